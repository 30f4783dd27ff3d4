import * as z from "zod";
import { type Io, parseFlags } from "../command.ts";
import {
  deliveryOf,
  type Flags,
  invalid,
  JOB_OPTIONS,
  payloadOf,
  plainOf,
  scheduleOf,
} from "./flags.ts";
import { COMMON_OPTIONS, lineTo } from "./line.ts";
import { Status } from "./status.ts";
import { Job, nextText } from "./text.ts";

const OPTIONS = {
  ...COMMON_OPTIONS,
  ...JOB_OPTIONS,
  disabled: { type: "boolean" },
  "declaration-key": { type: "string" },
} as const;
const MAX_NAME = 60;
/** One that was declared by a key stands below. */
const Made = z.looseObject({ job: z.unknown().optional() });

/** `cron add` */
export async function add(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  const params = paramsOf(values, positionals, Date.now());
  using line = await lineTo(values, io);
  const made = await line.call("cron.add", params);
  const { enabled } = Status.parse(await line.call("cron.status", {}));
  if (!enabled) io.err("warning: jobs are not run: cron.enabled is false in the config");
  if (values.json === true) {
    io.out(JSON.stringify(made));
    return 0;
  }
  const job = Job.parse(Made.parse(made).job ?? made);
  io.out(`added ${job.id}: ${job.name}, ${nextText(job, Date.now())}`);
  return 0;
}

/** Pure. @throws GatewayError invalid_request */
export function paramsOf(values: Flags, positionals: readonly string[], now: number): object {
  const hostZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const named = scheduleOf(values, now, hostZone);
  const [first, ...others] = positionals;
  if (named !== undefined && others.length > 0) throw invalid("one name at most; try --help");
  const [schedule, flags] =
    named === undefined ? bySpelling(first, others, values, { now, hostZone }) : [named, values];
  const payload = payloadOf(flags);
  const text = flags["system-event"] ?? flags["message"];
  if (payload === undefined || typeof text !== "string") {
    throw invalid("say what it does: --message TEXT or --system-event TEXT");
  }
  const delivery = deliveryOf(flags);
  const key = values["declaration-key"];
  return {
    name: (named === undefined ? undefined : first) ?? text.slice(0, MAX_NAME),
    sessionTarget: "text" in payload ? "main" : "isolated",
    wakeMode: "now",
    ...plainOf(flags),
    ...(key !== undefined && { declarationKey: key }),
    enabled: values["disabled"] !== true,
    schedule,
    payload,
    ...(delivery !== undefined && { delivery }),
  };
}

/** `cron add "0 7 * * *" "What is new?"`: a schedule is told by how it is written. */
function bySpelling(
  schedule: string | undefined,
  others: readonly string[],
  values: Flags,
  { now, hostZone }: { now: number; hostZone: string },
): [object, Flags] {
  if (schedule === undefined) throw invalid("say when: --at WHEN, --every SPAN or --cron EXPR");
  if (others.length > 1) throw invalid("put the message in quotes");
  const message = values["message"] ?? others[0];
  const every = /^every\s+(?<span>.+)$/i.exec(schedule.trim())?.groups?.["span"];
  const isCron = schedule.trim().split(/\s+/).length >= 5 || schedule.startsWith("@");
  const spelled = every === undefined ? { [isCron ? "cron" : "at"]: schedule } : { every };
  const flags = { ...values, ...(message !== undefined && { message }), ...spelled };
  return [scheduleOf(flags, now, hostZone) ?? {}, flags];
}
