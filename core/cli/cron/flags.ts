/** Flags of `cron add` and `cron edit` -> what the gateway is asked for. Pure. */
import { GatewayError } from "../../../shared/errors.ts";
import { momentOf, spanMs } from "../../cron/schedule.ts";

const text = { type: "string" } as const;
const yes = { type: "boolean" } as const;

/** What a job is made of; both actions take these. */
export const JOB_OPTIONS = {
  name: text,
  "display-name": text,
  description: text,
  at: text,
  every: text,
  cron: text,
  tz: text,
  stagger: text,
  jitter: text,
  exact: yes,
  session: text,
  "session-key": text,
  agent: text,
  message: text,
  "system-event": text,
  wake: text,
  model: text,
  fallbacks: text,
  thinking: text,
  "timeout-seconds": text,
  announce: yes,
  deliver: yes,
  "no-deliver": yes,
  channel: text,
  to: text,
  account: text,
  "thread-id": text,
  "best-effort-deliver": yes,
  "no-best-effort-deliver": yes,
  "light-context": yes,
  "delete-after-run": yes,
  "keep-after-run": yes,
  missed: text,
} as const;

export type Flags = Readonly<Record<string, string | boolean | undefined>>;

function textOf(flags: Flags, name: string): string | undefined {
  const value = flags[name];
  return typeof value === "string" ? value : undefined;
}

function isSet(flags: Flags, name: string): boolean {
  return flags[name] === true;
}

/** Undefined: none was named. @throws GatewayError invalid_request */
export function scheduleOf(flags: Flags, now: number, hostZone: string): object | undefined {
  const given = ["at", "every", "cron"].filter((name) => textOf(flags, name) !== undefined);
  if (given.length > 1) throw invalid(`--${given.join(" and --")} exclude each other`);
  const [kind] = given;
  if (kind === undefined) return undefined;
  const value = textOf(flags, kind) ?? "";
  if (kind === "cron") return crontabOf(value, flags);
  if (kind === "every") return { kind, everyMs: spanOf(value, "--every") };
  const at = atOf(value, now, textOf(flags, "tz") || hostZone);
  return { kind, at: new Date(at).toISOString() };
}

function crontabOf(expr: string, flags: Flags): object {
  const tz = textOf(flags, "tz") || undefined;
  const stagger = textOf(flags, "stagger") ?? textOf(flags, "jitter");
  return {
    kind: "cron",
    expr,
    ...(tz !== undefined && { tz }),
    ...(stagger !== undefined && { staggerMs: spanOf(stagger, "--stagger") }),
    ...(isSet(flags, "exact") && { staggerMs: 0 }),
  };
}

function atOf(value: string, now: number, zone: string): number {
  const moment = momentOf(value, zone);
  if (moment !== undefined) return moment;
  const span = /^\d+$/.test(value.trim()) ? undefined : spanMs(value);
  if (span !== undefined) return now + span;
  throw invalid(`--at ${JSON.stringify(value)}: write 20m, or a moment like 2026-12-24T18:00`);
}

/** Undefined: nothing of it was named. */
export function payloadOf(flags: Flags): object | undefined {
  const message = textOf(flags, "message");
  const event = textOf(flags, "system-event");
  if (message !== undefined && event !== undefined) {
    throw invalid("--message and --system-event exclude each other");
  }
  if (event !== undefined) return { kind: "systemEvent", text: event };
  const seconds = textOf(flags, "timeout-seconds");
  const fallbacks = textOf(flags, "fallbacks");
  const turn = {
    message,
    model: textOf(flags, "model"),
    thinking: textOf(flags, "thinking"),
    fallbacks: fallbacks?.split(/[\s,]+/).filter((one) => one !== ""),
    timeoutSeconds: seconds === undefined ? undefined : countOf(seconds, "--timeout-seconds"),
    lightContext: isSet(flags, "light-context") || undefined,
  };
  const named = Object.entries(turn).filter(([, value]) => value !== undefined);
  return named.length === 0 ? undefined : { kind: "agentTurn", ...Object.fromEntries(named) };
}

/** Undefined: nothing of it was named. */
export function deliveryOf(flags: Flags): object | undefined {
  const announce = isSet(flags, "announce") || isSet(flags, "deliver");
  const none = isSet(flags, "no-deliver");
  if (announce && none) throw invalid("--announce and --no-deliver exclude each other");
  const bestEffort = isSet(flags, "best-effort-deliver")
    ? true
    : isSet(flags, "no-best-effort-deliver")
      ? false
      : undefined;
  const where = {
    channel: textOf(flags, "channel"),
    to: textOf(flags, "to"),
    accountId: textOf(flags, "account"),
    threadId: textOf(flags, "thread-id"),
    bestEffort,
  };
  const named = Object.entries(where).filter(([, value]) => value !== undefined);
  if (named.length === 0 && !announce && !none) return undefined;
  return { ...(none ? { mode: "none" } : { mode: "announce" }), ...Object.fromEntries(named) };
}

/** Everything else; only what was named. */
export function plainOf(flags: Flags): object {
  const once = isSet(flags, "delete-after-run")
    ? true
    : isSet(flags, "keep-after-run")
      ? false
      : undefined;
  const plain = {
    name: textOf(flags, "name"),
    displayName: textOf(flags, "display-name"),
    description: textOf(flags, "description"),
    agentId: textOf(flags, "agent"),
    sessionTarget: textOf(flags, "session"),
    sessionKey: textOf(flags, "session-key"),
    wakeMode: textOf(flags, "wake"),
    missedRuns: textOf(flags, "missed"),
    deleteAfterRun: once,
  };
  return Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined));
}

export function spanOf(value: string, flag: string): number {
  const ms = spanMs(value);
  if (ms === undefined || ms < 0) {
    throw invalid(`${flag} ${JSON.stringify(value)} is no time span: write 90s, 20m, 6h`);
  }
  return ms;
}

export function countOf(value: string, flag: string): number {
  if (!/^\d{1,9}$/.test(value)) throw invalid(`${flag} must be a whole number`);
  return Number(value);
}

export function invalid(message: string): GatewayError {
  return new GatewayError("invalid_request", message);
}
