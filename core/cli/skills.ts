import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { type Command, type Io, parseFlags } from "./command.ts";
import { answering, type Desk, deskOf } from "./manage.ts";
import { printable } from "./printable.ts";
import { TARGET_OPTIONS } from "./target.ts";

const Skill = z.looseObject({
  name: z.string(),
  description: z.string(),
  skillKey: z.string(),
  source: z.string(),
  filePath: z.string(),
  homepage: z.string().optional(),
  primaryEnv: z.string().optional(),
  eligible: z.boolean(),
  disabled: z.boolean(),
  blockedByAgentFilter: z.boolean(),
  modelVisible: z.boolean(),
  missing: z.record(z.string(), z.array(z.string())),
});
type Skill = z.output<typeof Skill>;
const Status = z.looseObject({ workspaceDir: z.string(), skills: z.array(Skill) });
type Status = z.output<typeof Status>;

const OPTIONS = {
  ...TARGET_OPTIONS,
  json: { type: "boolean" },
  agent: { type: "string" },
  eligible: { type: "boolean" },
  verbose: { type: "boolean", short: "v" },
} as const;
type Values = ReturnType<typeof parseFlags<typeof OPTIONS>>["values"];

type Show = (status: Status, words: readonly string[], values: Values, io: Io) => void;

const SHOW: ReadonlyMap<string, Show> = new Map<string, Show>([
  ["list", list],
  ["info", info],
  ["check", check],
]);

export const skills: Command = {
  usage: "skills list|info|check|enable|disable [--agent ID] [--json] …",
  summary: "Show the skills of an agent and what is missing for them, and switch them on and off",
  details: `  list [--eligible] [--verbose]
  info NAME
  check                                 how many there are of each kind, and what they lack
  enable|disable NAME`,

  run(args, io) {
    return answering(args, io, async () => {
      const { values, positionals } = parseFlags(args, OPTIONS);
      const [action = "list", ...words] = positionals;
      const show = SHOW.get(action);
      const isSwitch = action === "enable" || action === "disable";
      const expected = show === list || show === check ? 0 : 1;
      if ((show === undefined && !isSwitch) || words.length !== expected) {
        throw new GatewayError("invalid_request", `usage: sallyport ${skills.usage}; try --help`);
      }
      const desk = await deskOf(values, io);
      const wanted = values.agent === undefined ? {} : { agentId: values.agent };
      const status = Status.parse(await desk.call("skills.status", wanted));
      if (show === undefined) await turn(desk, found(status, words[0]), action === "enable", io);
      else show(status, words, values, io);
      return 0;
    });
  },
};

function list(status: Status, _words: readonly string[], values: Values, io: Io): void {
  const shown = status.skills.filter(({ eligible }) => eligible || values.eligible !== true);
  if (values.json === true) return io.out(JSON.stringify({ ...status, skills: shown }));
  if (shown.length === 0) return io.out("no skills");
  for (const skill of shown) {
    const why = stateOf(skill);
    const state = why === "ready" ? "" : ` (${why})`;
    const where = values.verbose === true ? `  ${printable(skill.filePath, 300)}` : "";
    io.out(`${printable(skill.name)}${state}: ${printable(skill.description, 100)}${where}`);
  }
}

function info(status: Status, [name]: readonly string[], values: Values, io: Io): void {
  const skill = found(status, name);
  if (values.json === true) return io.out(JSON.stringify(skill));
  const { homepage, primaryEnv, modelVisible } = skill;
  io.out(`${printable(skill.name)}: ${printable(skill.description, 1_000)}`);
  io.out(`state: ${stateOf(skill)}${modelVisible ? ", listed to the model" : ""}`);
  io.out(`from: ${printable(skill.source)}, ${printable(skill.filePath, 500)}`);
  if (homepage !== undefined) io.out(`homepage: ${printable(homepage, 300)}`);
  if (primaryEnv !== undefined) io.out(`key: ${printable(primaryEnv)}`);
}

function check(status: Status, _words: readonly string[], values: Values, io: Io): void {
  const { skills: all } = status;
  const of = (wanted: (skill: Skill) => boolean): string[] =>
    all.filter(wanted).map(({ name }) => name);
  const kinds = {
    total: of(() => true),
    modelVisible: of(({ modelVisible }) => modelVisible),
    disabled: of(({ disabled }) => disabled),
    agentFiltered: of(({ blockedByAgentFilter }) => blockedByAgentFilter),
    missing: of(({ eligible }) => !eligible),
  };
  if (values.json === true) return io.out(JSON.stringify(kinds));
  const { total, modelVisible, disabled, agentFiltered, missing } = kinds;
  io.out(`${total.length} skills, ${modelVisible.length} of them listed to the model`);
  io.out(`${disabled.length} disabled, ${agentFiltered.length} not of this agent`);
  io.out(`${missing.length} with something missing`);
  for (const skill of all.filter(({ eligible }) => !eligible)) {
    io.out(`  ${printable(skill.name)}: ${stateOf(skill)}`);
  }
}

function found({ skills: all }: Status, name: string | undefined): Skill {
  const skill = all.find((one) => one.name === name) ?? all.find((one) => one.skillKey === name);
  if (skill !== undefined) return skill;
  throw new GatewayError("not_found", `no skill is called ${printable(name ?? "", 64)}`);
}

async function turn(
  desk: Desk,
  { skillKey, name }: Skill,
  enabled: boolean,
  io: Io,
): Promise<void> {
  await desk.call("skills.update", { skillKey, enabled });
  io.out(`${printable(name)} is ${enabled ? "on" : "off"}`);
}

function stateOf({ disabled, blockedByAgentFilter, eligible, missing }: Skill): string {
  if (disabled) return "disabled";
  if (blockedByAgentFilter) return "not of this agent";
  if (eligible) return "ready";
  return `needs ${printable(Object.values(missing).flat().join(", "), 200)}`;
}
