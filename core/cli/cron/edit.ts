import { type Io, parseFlags } from "../command.ts";
import {
  countOf,
  deliveryOf,
  type Flags,
  invalid,
  JOB_OPTIONS,
  payloadOf,
  plainOf,
  scheduleOf,
  spanOf,
} from "./flags.ts";
import { jobIdOf } from "./job.ts";
import { COMMON_OPTIONS, idOf, lineTo } from "./line.ts";
import { Job, nextText } from "./text.ts";

const yes = { type: "boolean" } as const;
const text = { type: "string" } as const;

const OPTIONS = {
  ...COMMON_OPTIONS,
  ...JOB_OPTIONS,
  enable: yes,
  disable: yes,
  "clear-agent": yes,
  "clear-session-key": yes,
  "clear-display-name": yes,
  "clear-model": yes,
  "clear-thinking": yes,
  "clear-fallbacks": yes,
  "clear-channel": yes,
  "clear-to": yes,
  "clear-account": yes,
  "clear-thread-id": yes,
  "failure-alert": yes,
  "no-failure-alert": yes,
  "failure-alert-after": text,
  "failure-alert-cooldown": text,
  "failure-alert-channel": text,
  "failure-alert-to": text,
  "failure-alert-include-skipped": yes,
  "failure-alert-exclude-skipped": yes,
} as const;

/** What each flag takes away, and where it stands. */
const CLEARED: Readonly<Record<string, readonly [part: string, field: string]>> = {
  "clear-agent": ["", "agentId"],
  "clear-session-key": ["", "sessionKey"],
  "clear-display-name": ["", "displayName"],
  "clear-model": ["payload", "model"],
  "clear-thinking": ["payload", "thinking"],
  "clear-fallbacks": ["payload", "fallbacks"],
  "clear-channel": ["delivery", "channel"],
  "clear-to": ["delivery", "to"],
  "clear-account": ["delivery", "accountId"],
  "clear-thread-id": ["delivery", "threadId"],
};

/** `cron edit` */
export async function edit(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  const wanted = idOf(positionals, "cron edit");
  const patch = patchOf(values, Date.now());
  using line = await lineTo(values, io);
  const id = await jobIdOf(line, wanted);
  const changed = await line.call("cron.update", { id, patch });
  const job = Job.parse(changed);
  io.out(
    values.json === true
      ? JSON.stringify(changed)
      : `changed ${job.id}: ${job.name}, ${nextText(job, Date.now())}`,
  );
  return 0;
}

/** Pure. @throws GatewayError invalid_request */
export function patchOf(values: Flags, now: number): object {
  if (values["enable"] === true && values["disable"] === true) {
    throw invalid("--enable and --disable exclude each other");
  }
  const schedule = scheduleOf(values, now, Intl.DateTimeFormat().resolvedOptions().timeZone);
  const payload = { ...payloadOf(values), ...cleared(values, "payload") };
  const delivery = { ...deliveryOf(values), ...cleared(values, "delivery") };
  const failureAlert = alertOf(values);
  const patch = {
    ...plainOf(values),
    ...cleared(values, ""),
    ...(values["enable"] === true && { enabled: true }),
    ...(values["disable"] === true && { enabled: false }),
    ...(schedule && { schedule }),
    ...(Object.keys(payload).length > 0 && { payload: { kind: "agentTurn", ...payload } }),
    ...(Object.keys(delivery).length > 0 && { delivery }),
    ...(failureAlert !== undefined && { failureAlert }),
  };
  if (Object.keys(patch).length === 0) throw invalid("nothing to change; try --help");
  return patch;
}

function cleared(values: Flags, part: string): object {
  const fields = Object.entries(CLEARED)
    .filter(([flag, [where]]) => values[flag] === true && where === part)
    .map(([, [, field]]) => [field, null]);
  return Object.fromEntries(fields);
}

function alertOf(values: Flags): object | false | undefined {
  if (values["no-failure-alert"] === true) return false;
  const after = values["failure-alert-after"];
  const cooldown = values["failure-alert-cooldown"];
  const alert = {
    after: typeof after === "string" ? countOf(after, "--failure-alert-after") : undefined,
    cooldownMs:
      typeof cooldown === "string" ? spanOf(cooldown, "--failure-alert-cooldown") : undefined,
    channel: values["failure-alert-channel"],
    to: values["failure-alert-to"],
    includeSkipped: skippedOf(values),
  };
  const named = Object.entries(alert).filter(([, value]) => value !== undefined);
  const isAsked = values["failure-alert"] === true || named.length > 0;
  return isAsked ? Object.fromEntries(named) : undefined;
}

function skippedOf(values: Flags): boolean | undefined {
  if (values["failure-alert-include-skipped"] === true) return true;
  return values["failure-alert-exclude-skipped"] === true ? false : undefined;
}
