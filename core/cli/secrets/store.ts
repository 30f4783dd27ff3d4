import { parseEnv } from "node:util";
import { GatewayError } from "../../../shared/errors.ts";
import { Secret } from "../../../shared/secret.ts";
import { resolvePaths } from "../../config/paths.ts";
import {
  type EntryKind,
  entryFault,
  kindOf,
  MAX_SECRET_BYTES,
  type NewEntry,
  SecretStore,
  type StoreEntry,
} from "../../config/secrets/store.ts";
import { type Io, parseFlags } from "../command.ts";
import { fail } from "../config/said.ts";
import {
  askSecret,
  isAskable,
  isSure,
  textOfFile,
  textOfStdin,
  withoutFinalBreak,
} from "./input.ts";

/** What cannot be stored, or shown. Source: OpenClaw, as the other two. */
const EXIT_REFUSED = 2;
const EXIT_MISSING = 3;
/** A file of variables that is taken over. */
const MAX_IMPORT_BYTES = 4 * 1024 * 1024;
const RELOADS = "A running gateway that refers to it takes it over by itself.";

const OPTIONS = {
  json: { type: "boolean" },
  plain: { type: "boolean" },
  yes: { type: "boolean" },
  "dry-run": { type: "boolean" },
  kind: { type: "string" },
  value: { type: "string" },
  "value-file": { type: "string" },
  from: { type: "string" },
  scope: { type: "string" },
} as const;
type Values = ReturnType<typeof parseFlags<typeof OPTIONS>>["values"];

/** One call of a store command. */
interface Call {
  readonly names: readonly string[];
  readonly values: Values;
  readonly store: SecretStore;
  readonly io: Io;
}

const ACTIONS: ReadonlyMap<string, (call: Call) => Promise<number>> = new Map([
  ["list", list],
  ["set", set],
  ["get", get],
  ["remove", remove],
  ["rm", remove],
  ["import", importAll],
]);

/** `secrets store …` */
export async function store(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  const [name = "", ...names] = positionals;
  const action = ACTIONS.get(name);
  if (action === undefined) {
    throw new GatewayError("invalid_request", "secrets store knows list, set, get, remove, import");
  }
  const { stateDir } = resolvePaths(io);
  const call = { names, values, store: new SecretStore(stateDir, io.uid), io };
  if ((values.scope ?? "team") !== "team") {
    return refuse("Identity scope is not supported yet; use --scope team.", call);
  }
  return action(call);
}

function refuse(message: string, { values, io }: Call, exitCode = EXIT_REFUSED): number {
  fail(message, { json: values.json === true, io });
  return exitCode;
}

async function list({ values, store: kept, io }: Call): Promise<number> {
  const entries = await kept.list();
  if (values.json === true) io.out(JSON.stringify({ entries: entries.map(shown) }, null, 2));
  else if (values.plain === true) for (const { name } of entries) io.out(name);
  else if (entries.length === 0) io.out("the store is empty");
  else for (const entry of entries) io.out(lineOf(entry));
  return 0;
}

/** What is undefined is left out by JSON. */
function shown({ name, kind, createdAtMs, updatedAtMs, updatedBy, value }: StoreEntry): object {
  const scope = { scopeKind: "team", scopeId: "" };
  return { name, ...scope, kind, createdAtMs, updatedAtMs, updatedBy, value };
}

function lineOf({ name, kind, value, updatedAtMs }: StoreEntry): string {
  const text = kind === "secret" ? "********" : JSON.stringify(value ?? "");
  return `${name}  ${kind}  ${text}  ${new Date(updatedAtMs).toISOString()}`;
}

async function set(call: Call): Promise<number> {
  const { names, values, store: kept, io } = call;
  const [name, ...more] = names;
  if (name === undefined || more.length > 0) {
    // What looks like a second name may be the value itself: it is not repeated.
    return refuse("name one entry, and pipe its value in", call);
  }
  const kind = kindFor(name, values.kind);
  if (kind === undefined) return refuse("--kind is secret or env", call);
  if (kind === "secret" && values.value !== undefined) {
    const why = "arguments are seen by whoever sees the list of processes";
    return refuse(`--value is for --kind env alone, for ${why}: pipe the value in`, call);
  }
  const value = await valueFor(name, call);
  if (value === "" && values.value === undefined) return refuse(noValue(name, kind), call);
  const entry = { name, value: new Secret(value), kind, updatedBy: "cli" };
  const fault = entryFault(entry);
  if (fault !== undefined) return refuse(fault, call);
  const dryRun = values["dry-run"] === true;
  if (!dryRun) await kept.set([entry], Date.now());
  const done = dryRun ? `${name} could be stored (${kind}).` : `${name} is stored. ${RELOADS}`;
  io.out(values.json === true ? JSON.stringify({ ok: true, name, kind, dryRun }) : done);
  return 0;
}

/** Somebody who wants it empty says so; a pipe or a file with nothing in it is a mistake. */
function noValue(name: string, kind: EntryKind): string {
  const meant = kind === "env" ? ', or say --value "" when it is to be empty' : "";
  return `there is no value for ${name.slice(0, 64)}: pipe it in${meant}`;
}

/** Undefined: there is no such kind. */
function kindFor(name: string, given: string | undefined): EntryKind | undefined {
  if (given === undefined) return kindOf(name);
  return given === "secret" || given === "env" ? given : undefined;
}

async function valueFor(name: string, { values, io }: Call): Promise<string> {
  const { value, "value-file": file } = values;
  if (value !== undefined) return value;
  if (file !== undefined && file !== "-") return textOfFile(file, MAX_SECRET_BYTES);
  if (file === undefined && isAskable(io)) return askSecret(name, io);
  return withoutFinalBreak(await textOfStdin(io, MAX_SECRET_BYTES + 2));
}

async function get(call: Call): Promise<number> {
  const [name] = call.names;
  if (name === undefined) return refuse("name one entry", call);
  const entry = (await call.store.list()).find((one) => one.name === name);
  if (entry === undefined) return refuse(`there is no ${name.slice(0, 64)}`, call, EXIT_MISSING);
  const { value } = entry;
  if (value === undefined) return refuse(`${name} is a secret, which is never shown`, call);
  call.io.out(call.values.json === true ? JSON.stringify({ name, kind: "env", value }) : value);
  return 0;
}

async function remove(call: Call): Promise<number> {
  const { names, values, store: kept, io } = call;
  if (names.length === 0) return refuse("name the entries to remove", call);
  const there = (await kept.list()).filter(({ name }) => names.includes(name));
  const found = there.map(({ name }) => name);
  const dryRun = values["dry-run"] === true;
  const sure = dryRun || (await mayDo(`Remove ${found.join(", ")}?`, found.length, call));
  if (!sure) return 1;
  const removed = dryRun || found.length === 0 ? found : await kept.remove(found);
  if (values.json === true) io.out(JSON.stringify({ ok: true, removed, dryRun }));
  else if (removed.length === 0) io.out("there is nothing to remove");
  else io.out(`${dryRun ? "would be removed" : "removed"}: ${removed.join(", ")}`);
  return 0;
}

async function importAll(call: Call): Promise<number> {
  const { values, store: kept, io } = call;
  const { from } = values;
  const text =
    from === undefined
      ? await textOfStdin(io, MAX_IMPORT_BYTES)
      : await textOfFile(from, MAX_IMPORT_BYTES);
  const entries = Object.entries(parseEnv(text)).map(([name, value = ""]): NewEntry => {
    return { name, value: new Secret(value), kind: kindOf(name), updatedBy: "cli" };
  });
  const fault = entries.map((one) => entryFault(one)).find((one) => one !== undefined);
  if (fault !== undefined) return refuse(`nothing was stored: ${fault}`, call);
  const dryRun = values["dry-run"] === true;
  const names = entries.map(({ name }) => name);
  // Whoever piped the values in cannot be asked any more.
  const sure = dryRun || (await mayDo(`Store ${names.join(", ")}?`, names.length, call));
  if (!sure) return 1;
  if (!dryRun && entries.length > 0) await kept.set(entries, Date.now());
  if (values.json === true) io.out(JSON.stringify({ ok: true, names, dryRun }));
  else io.out(`${dryRun ? "would be stored" : "stored"}: ${names.join(", ")}`);
  return 0;
}

/** @throws GatewayError invalid_request when nobody is there to be asked. */
async function mayDo(question: string, count: number, { values, io }: Call): Promise<boolean> {
  if (values.yes === true || count === 0) return true;
  if (isAskable(io)) return isSure(question, io);
  throw new GatewayError("invalid_request", "nobody can be asked here: say --yes");
}
