import { type Io, parseFlags } from "../command.ts";
import { printable } from "../printable.ts";
import { findJob, jobIdOf } from "./job.ts";
import { COMMON_OPTIONS, idOf, lineTo } from "./line.ts";
import { agoText, type Job, nextText, scheduleText } from "./text.ts";

/** `cron get` */
export async function get(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, COMMON_OPTIONS);
  const wanted = idOf(positionals, "cron get");
  using line = await lineTo(values, io);
  const id = await jobIdOf(line, wanted);
  io.out(JSON.stringify(await line.call("cron.get", { id }), null, values.json === true ? 0 : 2));
  return 0;
}

/** `cron show` */
export async function show(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, COMMON_OPTIONS);
  const wanted = idOf(positionals, "cron show");
  using line = await lineTo(values, io);
  const job = await findJob(line, wanted);
  if (values.json === true) io.out(JSON.stringify(job));
  else for (const row of rowsOf(job)) io.out(row);
  return 0;
}

function rowsOf(job: Job): string[] {
  const now = Date.now();
  const { payload, lastRunStatus = "never run", lastRunError } = job;
  const facts = {
    id: job.id,
    name: job.displayName ?? job.name,
    description: job.description,
    schedule: scheduleText(job.schedule),
    state: nextText(job, now),
    session: job.sessionTarget,
    agent: job.effectiveAgentId ?? job.agentId,
    does: `${payload.kind}: ${payload.message ?? payload.text ?? ""}`,
    model: payload.model,
    last: `${lastRunStatus} ${job.lastRunAtMs === undefined ? "" : agoText(job.lastRunAtMs, now)}`,
    error: lastRunError,
  };
  return Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${`${name}:`.padEnd(13)}${printable(String(value)).trimEnd()}`);
}
