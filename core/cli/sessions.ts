import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { type Command, type Io, parseFlags } from "./command.ts";
import { answering } from "./manage.ts";
import { printable } from "./printable.ts";
import { type Target, targetOf, TARGET_OPTIONS } from "./target.ts";

const OPTIONS = {
  ...TARGET_OPTIONS,
  json: { type: "boolean" },
  active: { type: "string" },
  limit: { type: "string" },
  agent: { type: "string" },
  search: { type: "string" },
  archived: { type: "boolean" },
  all: { type: "boolean" },
  label: { type: "string" },
  model: { type: "string" },
  "send-policy": { type: "string" },
  archive: { type: "boolean" },
  unarchive: { type: "boolean" },
  pin: { type: "boolean" },
  unpin: { type: "boolean" },
  keep: { type: "string" },
} as const;
type Values = ReturnType<typeof parseFlags<typeof OPTIONS>>["values"];

/** A summary is made by a model. */
const COMPACT_TIMEOUT_MS = 150_000;
const MINUTE_MS = 60_000;

const Count = z.coerce.number().int().min(1).max(1_000_000).optional();
const Row = z.looseObject({
  key: z.string(),
  updatedAt: z.number().nullish(),
  label: z.string().optional(),
  model: z.string().optional(),
  status: z.string().optional(),
});
const Listed = z.looseObject({
  path: z.string(),
  count: z.number(),
  totalCount: z.number(),
  limitApplied: z.number(),
  hasMore: z.boolean(),
  sessions: z.array(Row),
});
const Described = z.object({ session: z.record(z.string(), z.unknown()).nullable() });
const Part = z.looseObject({ text: z.string().optional(), name: z.string().optional() });
const Transcript = z.looseObject({
  messages: z.array(
    z.looseObject({ role: z.string(), content: z.union([z.string(), z.array(Part)]) }),
  ),
});
const Previews = z.object({
  previews: z.array(z.object({ items: z.array(z.object({ role: z.string(), text: z.string() })) })),
});
const Deleted = z.object({ deleted: z.boolean() });
const Compacted = z.object({ ok: z.boolean(), reason: z.string().optional() });

interface Call {
  readonly io: Io;
  readonly target: Target;
  readonly values: Values;
  readonly key: string;
}

const ACTIONS: ReadonlyMap<string, (call: Call) => Promise<number>> = new Map([
  ["list", list],
  ["show", show],
  ["history", history],
  ["preview", preview],
  ["reset", reset],
  ["delete", remove],
  ["compact", compact],
  ["patch", patch],
]);

export const sessions: Command = {
  usage: "sessions [list] [--active MINUTES] [--limit N] | sessions show|history|… KEY",
  summary: "Show conversations, and change or clear them",
  details: `  list                   those used last: --active MINUTES, --agent ID, --search TEXT, --archived, --all
  show KEY               all that is known of one
  history KEY            what was said in it: --limit N messages
  preview KEY            the newest of it, in short
  reset KEY              begin anew
  delete KEY             remove it
  compact KEY            summarise all but the newest messages: --keep N
  patch KEY              --label TEXT, --model REF, --send-policy allow|deny, --archive, --unarchive,
                         --pin, --unpin; an empty TEXT or REF takes it back`,

  run: (args, io) => answering(args, io, () => run(args, io)),
};

async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  const [name = "list", key = "", ...more] = positionals;
  const action = ACTIONS.get(name);
  if (action === undefined || more.length > 0 || (key === "") !== (name === "list")) {
    throw new GatewayError("invalid_request", `usage: sallyport ${sessions.usage}`);
  }
  return action({ io, target: await targetOf(values, io), values, key });
}

async function ask(
  { target, io }: Call,
  method: string,
  params: object,
  timeoutMs?: number,
): Promise<unknown> {
  const { askGateway } = await import("./client.ts");
  return askGateway(target, method, params, { stop: io.stop, timeoutMs });
}

async function list(call: Call): Promise<number> {
  const { values, io } = call;
  const payload = await ask(call, "sessions.list", {
    limit: countOf(values.limit, "limit"),
    activeMinutes: countOf(values.active, "active"),
    agentId: values.agent,
    search: values.search,
    archived: values.all === true ? "all" : values.archived,
  });
  const { path, count, totalCount, limitApplied, hasMore, sessions: rows } = Listed.parse(payload);
  if (values.json === true) {
    const activeMinutes = countOf(values.active, "active") ?? null;
    const page = { path, count, totalCount, limitApplied, hasMore, activeMinutes };
    io.out(JSON.stringify({ ...page, sessions: rows }));
    return 0;
  }
  if (rows.length === 0) io.out("no sessions");
  for (const row of rows) io.out(lineOf(row, Date.now()));
  if (hasMore) io.out(`… and ${totalCount - count} more (--limit)`);
  return 0;
}

function lineOf(
  { key, updatedAt, label, model, status }: z.output<typeof Row>,
  now: number,
): string {
  const minutes = Math.floor((now - (updatedAt ?? now)) / MINUTE_MS);
  const age = minutes < 1 ? "just now" : minutes < 120 ? `${minutes} min ago` : hours(minutes);
  const facts = [age, model, status, label].filter((fact) => fact !== undefined && fact !== "");
  return `${printable(key, 256)}  ${facts.map((fact) => printable(String(fact))).join(", ")}`;
}

function hours(minutes: number): string {
  const count = Math.floor(minutes / 60);
  return count < 48 ? `${count} h ago` : `${Math.floor(count / 24)} days ago`;
}

async function show(call: Call): Promise<number> {
  const { io, values, key } = call;
  const payload = await ask(call, "sessions.describe", { key, includeDerivedTitles: true });
  const { session } = Described.parse(payload);
  if (session === null) throw new GatewayError("not_found", `no session ${key}`);
  if (values.json === true) io.out(JSON.stringify(session));
  else for (const [name, value] of Object.entries(session)) io.out(factOf(name, value));
  return 0;
}

function factOf(name: string, value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return `${name}: ${printable(text ?? "", 512)}`;
}

async function history(call: Call): Promise<number> {
  const { io, values, key } = call;
  const limit = countOf(values.limit, "limit");
  const payload = await ask(call, "chat.history", { sessionKey: key, limit });
  if (values.json === true) {
    io.out(JSON.stringify(payload));
    return 0;
  }
  for (const { role, content } of Transcript.parse(payload).messages) {
    const parts = typeof content === "string" ? [content] : content.map(textOf);
    say(role, parts.join(" "), io);
  }
  return 0;
}

function textOf({ text, name }: z.output<typeof Part>): string {
  return text ?? `[${name ?? "…"}]`;
}

async function preview(call: Call): Promise<number> {
  const { io, values, key } = call;
  const payload = await ask(call, "sessions.preview", { keys: [key] });
  if (values.json === true) io.out(JSON.stringify(payload));
  else
    for (const { items } of Previews.parse(payload).previews)
      for (const { role, text } of items) say(role, text, io);
  return 0;
}

function say(role: string, text: string, io: Io): void {
  const [first = "", ...rest] = text.split("\n");
  io.out(`${printable(role)}: ${printable(first, 100_000)}`);
  for (const line of rest) io.out(`  ${printable(line, 100_000)}`);
}

async function reset(call: Call): Promise<number> {
  return report(call, await ask(call, "sessions.reset", { key: call.key }), "begun anew");
}

async function remove(call: Call): Promise<number> {
  const payload = await ask(call, "sessions.delete", { key: call.key });
  if (!Deleted.parse(payload).deleted) {
    throw new GatewayError("not_found", `no session ${printable(call.key, 256)}`);
  }
  return report(call, payload, "removed");
}

async function compact(call: Call): Promise<number> {
  const params = { key: call.key, maxLines: countOf(call.values.keep, "keep") };
  const payload = await ask(call, "sessions.compact", params, COMPACT_TIMEOUT_MS);
  const { ok, reason = "not possible" } = Compacted.parse(payload);
  if (ok) return report(call, payload, "compacted");
  if (call.values.json === true) call.io.out(JSON.stringify(payload));
  else call.io.err(`sallyport: not compacted: ${printable(reason, 512)}`);
  return 1;
}

async function patch(call: Call): Promise<number> {
  const { values, key } = call;
  const change = {
    label: orNull(values.label),
    model: orNull(values.model),
    sendPolicy: orNull(values["send-policy"]),
    archived: switchOf(values.archive, values.unarchive),
    pinned: switchOf(values.pin, values.unpin),
  };
  if (Object.values(change).every((value) => value === undefined)) {
    throw new GatewayError("invalid_request", "nothing to change; try --help");
  }
  return report(call, await ask(call, "sessions.patch", { key, ...change }), "changed");
}

function report({ io, values, key }: Call, payload: unknown, what: string): number {
  io.out(values.json === true ? JSON.stringify(payload) : `${printable(key, 256)}: ${what}`);
  return 0;
}

function orNull(text: string | undefined): string | null | undefined {
  return text === "" ? null : text;
}

function switchOf(on: boolean | undefined, off: boolean | undefined): boolean | undefined {
  if (on === true) return true;
  return off === true ? false : undefined;
}

function countOf(text: string | undefined, flag: string): number | undefined {
  const count = Count.safeParse(text);
  if (!count.success) throw new GatewayError("invalid_request", `--${flag} must be a number`);
  return count.data;
}
