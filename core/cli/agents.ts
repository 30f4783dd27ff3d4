import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { type Command, type Io, parseFlags } from "./command.ts";
import { answering, type Desk, deskOf, localConfig } from "./manage.ts";
import { printable } from "./printable.ts";
import { TARGET_OPTIONS } from "./target.ts";

const OPTIONS = {
  ...TARGET_OPTIONS,
  json: { type: "boolean" },
  agent: { type: "string" },
  name: { type: "string" },
  emoji: { type: "string" },
  theme: { type: "string" },
  avatar: { type: "string" },
  workspace: { type: "string" },
  model: { type: "string" },
  bind: { type: "string", multiple: true },
  file: { type: "string" },
  force: { type: "boolean" },
  "keep-files": { type: "boolean" },
} as const;
type Values = ReturnType<typeof parseFlags<typeof OPTIONS>>["values"];

const Listed = z.object({
  defaultId: z.string(),
  agents: z.array(
    z.looseObject({
      id: z.string(),
      name: z.string().optional(),
      workspace: z.string().optional(),
      model: z.object({ primary: z.string().optional() }).optional(),
    }),
  ),
});
const Files = z.object({
  files: z.array(z.object({ name: z.string(), missing: z.boolean(), size: z.number().optional() })),
});
const File = z.object({
  file: z.object({ name: z.string(), missing: z.boolean(), content: z.string().optional() }),
});
const Created = z.object({ agentId: z.string(), workspace: z.string() });

type Action = (desk: Desk, words: readonly string[], values: Values, io: Io) => Promise<number>;

const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ["list", list],
  ["add", add],
  ["delete", remove],
  ["set-identity", setIdentity],
  ["files", files],
]);

export const agents: Command = {
  usage: "agents list|add|delete|set-identity|files [--json] …",
  summary: "Show who answers, and change it",
  details: `  list
  add NAME [--workspace DIR] [--model PROVIDER/MODEL] [--bind CHANNEL[:PEER]] …
  delete ID --force [--keep-files]      its workspace is moved to the trash of the state folder
  set-identity [--agent ID] [--name N] [--emoji E] [--theme T] [--avatar A]
  files list|get|set [NAME] [--agent ID] [--file PATH]`,

  run(args, io) {
    return answering(args, io, async () => {
      const { values, positionals } = parseFlags(args, OPTIONS);
      const [name = "list", ...words] = positionals;
      const action = ACTIONS.get(name);
      if (action === undefined) throw misused();
      return action(await deskOf(values, io), words, values, io);
    });
  },
};

function misused(): GatewayError {
  return new GatewayError("invalid_request", `usage: sallyport ${agents.usage}; try --help`);
}

async function list(
  desk: Desk,
  _words: readonly string[],
  values: Values,
  io: Io,
): Promise<number> {
  const answer = await desk.call("agents.list", {});
  const { defaultId, agents: all } = Listed.parse(answer);
  if (values.json === true) io.out(JSON.stringify(answer));
  else {
    for (const { id, name, model, workspace = "" } of all) {
      const title = name === undefined || name === id ? id : `${id} (${printable(name)})`;
      const mark = id === defaultId ? ", default" : "";
      io.out(`${title}${mark}: ${model?.primary ?? "no model"}  ${printable(workspace, 300)}`);
    }
  }
  return 0;
}

async function add(desk: Desk, words: readonly string[], values: Values, io: Io): Promise<number> {
  const name = words[0] ?? values.name;
  if (name === undefined) throw misused();
  const { workspace, model, emoji, avatar, bind = [] } = values;
  const given = {
    name,
    ...(workspace === undefined ? {} : { workspace: resolve(io.cwd, workspace) }),
    ...(model === undefined ? {} : { model }),
    ...(emoji === undefined ? {} : { emoji }),
    ...(avatar === undefined ? {} : { avatar }),
  };
  const answer = await desk.call("agents.create", given);
  const { agentId, workspace: folder } = Created.parse(answer);
  if (bind.length > 0) await bindTo(agentId, bind, io);
  io.out(values.json === true ? JSON.stringify(answer) : `added ${agentId}; it lives in ${folder}`);
  return 0;
}

/** `telegram`, or `telegram:12345` for one person or group of it. */
async function bindTo(agentId: string, places: readonly string[], io: Io): Promise<void> {
  const { file } = await localConfig(io);
  const { bindings } = await file.read();
  const before: readonly unknown[] = Array.isArray(bindings) ? bindings : [];
  const more = places.map((place) => {
    const [channel, id] = place.split(":", 2);
    const kind = id?.startsWith("-") === true ? "group" : "direct";
    return { agentId, match: { channel, ...(id === undefined ? {} : { peer: { kind, id } }) } };
  });
  await file.patch({ bindings: [...before, ...more] });
}

async function remove(
  desk: Desk,
  [agentId]: readonly string[],
  values: Values,
  io: Io,
): Promise<number> {
  if (agentId === undefined) throw misused();
  if (values.force !== true) {
    throw new GatewayError("invalid_request", `that removes ${agentId}: say so with --force`);
  }
  const deleteFiles = values["keep-files"] !== true;
  const answer = await desk.call("agents.delete", { agentId, deleteFiles });
  io.out(values.json === true ? JSON.stringify(answer) : `removed ${agentId}`);
  return 0;
}

async function setIdentity(
  desk: Desk,
  words: readonly string[],
  values: Values,
  io: Io,
): Promise<number> {
  const { name, emoji, avatar, theme } = values;
  const { defaultId } = Listed.parse(await desk.call("agents.list", {}));
  const agentId = values.agent ?? words[0] ?? defaultId;
  const given = {
    ...(name === undefined ? {} : { name }),
    ...(emoji === undefined ? {} : { emoji }),
    ...(avatar === undefined ? {} : { avatar }),
  };
  if (theme !== undefined) {
    const { file } = await localConfig(io);
    await file.patch({ agents: { entries: { [agentId]: { identity: { theme } } } } });
  }
  const nothing = Object.keys(given).length === 0;
  if (nothing && theme === undefined) throw misused();
  const answer = nothing
    ? { ok: true, agentId }
    : await desk.call("agents.update", { agentId, ...given });
  io.out(values.json === true ? JSON.stringify(answer) : `${agentId} has a new identity`);
  return 0;
}

async function files(
  desk: Desk,
  [what = "list", name]: readonly string[],
  values: Values,
  io: Io,
): Promise<number> {
  const { defaultId } = Listed.parse(await desk.call("agents.list", {}));
  const agentId = values.agent ?? defaultId;
  if (what === "list") return listFiles(desk, agentId, values, io);
  if (name === undefined) throw misused();
  if (what === "get") return showFile(desk, { agentId, name }, values, io);
  if (what !== "set" || values.file === undefined) throw misused();
  const content = await readFile(resolve(io.cwd, values.file), "utf8").catch((cause: unknown) => {
    throw new GatewayError("invalid_request", `${values.file} cannot be read`, { cause });
  });
  await desk.call("agents.files.set", { agentId, name, content });
  io.out(values.json === true ? JSON.stringify({ ok: true, agentId, name }) : `${name} is written`);
  return 0;
}

async function listFiles(desk: Desk, agentId: string, values: Values, io: Io): Promise<number> {
  const answer = await desk.call("agents.files.list", { agentId });
  if (values.json === true) io.out(JSON.stringify(answer));
  else {
    for (const { name, missing, size = 0 } of Files.parse(answer).files) {
      io.out(`${name}: ${missing ? "missing" : `${size} bytes`}`);
    }
  }
  return 0;
}

async function showFile(
  desk: Desk,
  wanted: { readonly agentId: string; readonly name: string },
  values: Values,
  io: Io,
): Promise<number> {
  const answer = await desk.call("agents.files.get", wanted);
  const { file } = File.parse(answer);
  if (values.json === true) io.out(JSON.stringify(answer));
  else if (file.missing) io.err(`sallyport: ${file.name} is missing`);
  else io.out(file.content ?? "");
  return file.missing && values.json !== true ? 1 : 0;
}
