import * as z from "zod";
import type { GatewayLine } from "../client.ts";
import { type Io, parseFlags } from "../command.ts";
import { type Cell, table } from "../webhooks/table.ts";
import { invalid } from "./flags.ts";
import { COMMON_OPTIONS, lineTo } from "./line.ts";
import { agoText, Job, scheduleText } from "./text.ts";

const PAGE = 200;
/** Whoever has changed jobs while we read pages of them sees the list anew, this often. */
const MAX_TRIES = 3;
const OPTIONS = { ...COMMON_OPTIONS, all: { type: "boolean" }, agent: { type: "string" } } as const;
const HEAD = ["ID", "NAME", "SCHEDULE", "NEXT", "LAST", "STATUS", "TARGET", "AGENT"] as const;

const Page = z.looseObject({
  jobs: z.array(z.unknown()),
  snapshotRevision: z.string(),
  nextOffset: z.number().nullable(),
});
type Page = z.output<typeof Page>;

/** `cron list` */
export async function list(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  if (positionals.length > 0) throw invalid("cron list takes flags alone; try --help");
  using line = await lineTo(values, io);
  const filter = {
    includeDisabled: values.all === true,
    ...(values.agent !== undefined && { agentId: values.agent }),
  };
  const listed = await listJobs(line, filter);
  if (values.json === true) {
    io.out(JSON.stringify(listed));
    return 0;
  }
  const jobs = listed.jobs.map((job) => Job.parse(job));
  if (jobs.length === 0) io.out(values.all === true ? "no jobs" : "no jobs that are enabled");
  else for (const row of table(HEAD, jobs.map(rowOf), io)) io.out(row);
  return 0;
}

/** All of them, as they were at one moment. */
export async function listJobs(line: GatewayLine, filter: object): Promise<Page> {
  for (let attempt = 1; ; attempt += 1) {
    const first = await page(line, filter, 0);
    const jobs = [...first.jobs];
    let last = first;
    while (last.nextOffset !== null && last.snapshotRevision === first.snapshotRevision) {
      last = await page(line, filter, last.nextOffset);
      jobs.push(...last.jobs);
    }
    if (last.snapshotRevision === first.snapshotRevision || attempt === MAX_TRIES) {
      return { ...first, jobs, nextOffset: null, hasMore: false };
    }
  }
}

async function page(line: GatewayLine, filter: object, offset: number): Promise<Page> {
  return Page.parse(await line.call("cron.list", { ...filter, limit: PAGE, offset }));
}

function rowOf(job: Job): Cell[] {
  const now = Date.now();
  return [
    { text: job.id },
    { text: job.displayName ?? job.name },
    { text: scheduleText(job.schedule) },
    { text: job.enabled ? agoText(job.nextRunAtMs, now) : "-" },
    { text: agoText(job.lastRunAtMs, now) },
    statusOf(job),
    { text: job.sessionTarget },
    { text: job.effectiveAgentId ?? job.agentId ?? "-" },
  ];
}

function statusOf({ enabled, state, lastRunStatus = "idle" }: Job): Cell {
  if (!enabled) return { text: "disabled", colour: "gray" };
  if (state.runningAtMs !== undefined) return { text: "running", colour: "cyan" };
  const colours = { ok: "green", error: "red", skipped: "yellow" } as const;
  const colour = Object.entries(colours).find(([status]) => status === lastRunStatus)?.[1];
  return { text: lastRunStatus, ...(colour && { colour }) };
}
