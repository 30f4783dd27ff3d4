import { type Io, parseFlags } from "../command.ts";
import { printable } from "../printable.ts";
import { invalid } from "./flags.ts";
import { COMMON_OPTIONS, idOf, lineTo } from "./line.ts";
import { listJobs } from "./list.ts";
import { agoText, Job, nextText, scheduleText } from "./text.ts";

/** `cron get` */
export async function get(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, COMMON_OPTIONS);
  const id = idOf(positionals, "cron get");
  using line = await lineTo(values, io);
  io.out(JSON.stringify(await line.call("cron.get", { id }), null, values.json === true ? 0 : 2));
  return 0;
}

/** `cron show`: by its id, or by its name when only one has it. */
export async function show(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, COMMON_OPTIONS);
  const wanted = idOf(positionals, "cron show");
  using line = await lineTo(values, io);
  const { jobs } = await listJobs(line, { includeDisabled: true });
  const all = jobs.map((job) => Job.parse(job));
  const byId = all.filter(({ id }) => id === wanted);
  const [job, other] = byId.length > 0 ? byId : all.filter(({ name }) => name === wanted);
  if (job === undefined) throw invalid(`there is no job ${JSON.stringify(wanted.slice(0, 64))}`);
  if (other !== undefined) throw invalid(`several jobs are called ${job.name}: name one by its id`);
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
