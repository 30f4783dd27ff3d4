import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import JSON5 from "json5";
import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { type Command, type Io, parseFlags } from "./command.ts";
import { printable } from "./printable.ts";
import { type Call, callerOf } from "./store-desk.ts";
import { TARGET_OPTIONS } from "./target.ts";

const OPTIONS = {
  ...TARGET_OPTIONS,
  json: { type: "boolean" },
  file: { type: "string" },
  /** Accepted for those who are used to say so: there is no other place. */
  gateway: { type: "boolean" },
  agent: { type: "string" },
} as const;
type Values = ReturnType<typeof parseFlags<typeof OPTIONS>>["values"];

/** Entries for agents that have none of their own stand under this name. */
const EVERYONE = "*";

const Entry = z.looseObject({ pattern: z.string() });
const Agent = z.looseObject({ allowlist: z.array(Entry).optional() });
const File = z.looseObject({
  version: z.literal(1),
  agents: z.record(z.string(), Agent).optional(),
});
type File = z.output<typeof File>;
const Snapshot = z.object({
  path: z.string(),
  exists: z.boolean(),
  hash: z.string(),
  file: File,
  resolvedDefaults: z.record(z.string(), z.unknown()).default({}),
});
type Snapshot = z.output<typeof Snapshot>;

export const approvals: Command = {
  usage: "approvals get | set --file F | allowlist add|remove <pattern> [--agent A] [--json]",
  summary: "Show and change what agents may run without asking",

  async run(args, io) {
    const { values, positionals } = parseFlags(args, OPTIONS);
    const call = await callerOf(values, io);
    const payload = await act(call, positionals, values, io);
    io.out(values.json === true ? JSON.stringify(payload) : describe(Snapshot.parse(payload)));
    return 0;
  },
};

async function act(
  call: Call,
  [action = "get", ...words]: readonly string[],
  values: Values,
  io: Io,
): Promise<unknown> {
  if (action === "get" && words.length === 0) return call("exec.approvals.get", {});
  if (action === "set" && words.length === 0 && values.file !== undefined) {
    return change(call, await readApprovals(resolve(io.cwd, values.file)));
  }
  if (action !== "allowlist") throw usage();
  const { pattern, isAdded } = editOf(words);
  const { agent = EVERYONE } = values;
  return change(call, (file) => withPattern(file, agent, pattern, isAdded));
}

/** @throws GatewayError invalid_request */
function editOf([verb, pattern = "", ...more]: readonly string[]): {
  readonly pattern: string;
  readonly isAdded: boolean;
} {
  const isKnown = verb === "add" || verb === "remove";
  if (!isKnown || pattern === "" || more.length > 0) throw usage();
  return { pattern, isAdded: verb === "add" };
}

/** With the hash of what was seen, so that nobody else's change is lost. */
async function change(call: Call, next: File | ((file: File) => File)): Promise<unknown> {
  const { file, hash, exists } = Snapshot.parse(await call("exec.approvals.get", {}));
  const base = exists ? { baseHash: hash } : {};
  const wanted = typeof next === "function" ? next(file) : next;
  return call("exec.approvals.set", { file: wanted, ...base });
}

function withPattern(file: File, agent: string, pattern: string, isAdded: boolean): File {
  const { allowlist = [], ...rest } = file.agents?.[agent] ?? {};
  const others = allowlist.filter((one) => one.pattern !== pattern);
  const entries = isAdded ? [...others, { pattern }] : others;
  return { ...file, agents: { ...file.agents, [agent]: { ...rest, allowlist: entries } } };
}

async function readApprovals(path: string): Promise<File> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new GatewayError("invalid_request", `${path} cannot be read`, { cause });
  });
  try {
    return File.parse(JSON5.parse(text));
  } catch (cause) {
    const message = `${path} is no file of approvals: it needs at least {"version": 1}`;
    throw new GatewayError("invalid_request", message, { cause });
  }
}

function describe({ path, exists, file, resolvedDefaults }: Snapshot): string {
  const defaults = Object.entries(resolvedDefaults).map(
    ([name, value]) => `${name}: ${String(value)}`,
  );
  const entries = Object.entries(file.agents ?? {}).flatMap(([agent, { allowlist = [] }]) =>
    allowlist.map(({ pattern }) => `${printable(agent)}  ${printable(pattern)}`),
  );
  const head = exists ? path : `${path} (nothing set yet)`;
  return [head, defaults.join("  "), ...(entries.length === 0 ? ["no patterns"] : entries)].join(
    "\n",
  );
}

function usage(): GatewayError {
  return new GatewayError("invalid_request", `usage: sallyport ${approvals.usage}`);
}
