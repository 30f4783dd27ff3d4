import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { type Command, type Io, parseFlags } from "./command.ts";
import { COMMON_OPTIONS, lineTo } from "./cron/line.ts";
import { type Cell, table } from "./webhooks/table.ts";

const OPTIONS = { ...COMMON_OPTIONS, agent: { type: "string" } } as const;
const HEAD = ["HOOK", "STATUS", "FIRED", "EVENTS", "NOTE"] as const;

const Report = z.looseObject({
  enabled: z.boolean(),
  hooks: z.array(
    z.looseObject({
      name: z.string(),
      description: z.string(),
      events: z.array(z.string()),
      loadable: z.boolean(),
      blockedReason: z.string().optional(),
      fired: z.number().optional(),
      lastError: z.string().optional(),
    }),
  ),
});
type Hook = z.output<typeof Report>["hooks"][number];

export const hooks: Command = {
  usage: "hooks [list|status|info NAME] [--json]",
  summary: "What is done when something happens inside the gateway",
  details: `Hooks are declared in the config, under hooks.internal.entries, and are no code:
  { events: ["cron:failed"], action: { kind: "systemEvent", text: "{{name}}: {{error}}" } }
  kinds of action: agent (asks it), systemEvent (leaves it a note), post (to a url, as JSON)`,

  async run(args, io) {
    const { values, positionals } = parseFlags(args, OPTIONS);
    const [action = "list", name, ...others] = positionals;
    if (!["list", "status", "check", "info"].includes(action) || others.length > 0) {
      throw new GatewayError("invalid_request", `usage: sallyport ${hooks.usage}`);
    }
    using line = await lineTo(values, io);
    const agent = values.agent === undefined ? {} : { agentId: values.agent };
    const payload = await line.call("hooks.status", agent);
    const report = Report.parse(payload);
    if (action === "info") return info(report.hooks, name, values.json === true, io);
    if (values.json === true) io.out(JSON.stringify(payload));
    else list(report, io);
    return 0;
  },
};

function list({ enabled, hooks: all }: z.output<typeof Report>, io: Io): void {
  if (!enabled) io.err("warning: hooks.internal.enabled is false in the config");
  if (all.length === 0) io.out("no hooks");
  else for (const row of table(HEAD, all.map(rowOf), io)) io.out(row);
}

function rowOf({ name, loadable, fired = 0, events, description, ...rest }: Hook): Cell[] {
  return [
    { text: name },
    loadable ? { text: "ready", colour: "green" } : { text: "off", colour: "gray" },
    { text: String(fired) },
    { text: events.join(" ") || "-" },
    { text: rest.blockedReason ?? rest.lastError ?? description, mayBeCut: true },
  ];
}

function info(all: readonly Hook[], name: string | undefined, json: boolean, io: Io): number {
  const found = all.find((one) => one.name === name);
  if (found === undefined) {
    throw new GatewayError("invalid_request", `there is no hook ${JSON.stringify(name ?? "")}`);
  }
  if (json) io.out(JSON.stringify(found));
  else io.out(JSON.stringify(found, null, 2));
  return 0;
}
