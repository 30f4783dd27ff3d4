import * as z from "zod";
import { runEntry } from "../../cron/describe.ts";
import { listedJob, snapshotRevision } from "../../cron/public-job.ts";
import { destinationOf, previewOf } from "../../cron/target.ts";
import type { CronJob } from "../../store/cron-job.ts";
import { CronDeliveryStatus, CronStatusWord } from "../../store/cron-job.ts";
import type { NamedMethod } from "../method.ts";
import { found } from "./found.ts";
import { idAndRest } from "./input.ts";
import type { CronMethodParts } from "./parts.ts";

/** One answer must fit a message. */
const MAX_PAGE = 200;

const Query = z.string().max(200);
const List = z.strictObject({
  includeDisabled: z.boolean().optional(),
  limit: z.int().min(1).max(MAX_PAGE).default(50),
  offset: z.int().min(0).default(0),
  query: Query.optional(),
  enabled: z.enum(["all", "enabled", "disabled"]).optional(),
  scheduleKind: z.enum(["all", "at", "every", "cron", "on-exit", "stream"]).default("all"),
  lastRunStatus: z.enum(["all", "ok", "error", "skipped", "unknown"]).default("all"),
  trigger: z.enum(["all", "conditional", "unconditional"]).default("all"),
  sortBy: z.enum(["nextRunAtMs", "updatedAtMs", "name"]).default("nextRunAtMs"),
  sortDir: z.enum(["asc", "desc"]).default("asc"),
  agentId: z.string().min(1).max(64).optional(),
  compact: z.boolean().optional(),
  includeDeliveryPreviews: z.boolean().default(true),
});
type List = z.output<typeof List>;

const JobId = z.string().regex(/^[^/\\]{1,128}$/, "must be the id of a job");
const Runs = z.strictObject({
  agentId: z.string().min(1).max(64).optional(),
  scope: z.enum(["job", "all"]).optional(),
  id: JobId.optional(),
  jobId: JobId.optional(),
  runId: z.string().min(1).max(256).optional(),
  limit: z.int().min(1).max(MAX_PAGE).default(50),
  offset: z.int().min(0).default(0),
  statuses: z.array(CronStatusWord).max(3).optional(),
  status: z.enum(["all", "ok", "error", "skipped"]).default("all"),
  deliveryStatuses: z.array(CronDeliveryStatus).max(4).optional(),
  deliveryStatus: CronDeliveryStatus.optional(),
  query: Query.optional(),
  sortDir: z.enum(["asc", "desc"]).default("desc"),
});

const Nothing = z.strictObject({});

export function listMethods(parts: CronMethodParts): readonly NamedMethod[] {
  return [
    ["cron.list", { scope: "operator.read", call: (params) => list(parts, List.parse(params)) }],
    ["cron.get", { scope: "operator.read", call: (params) => get(parts, params) }],
    ["cron.runs", { scope: "operator.read", call: (params) => runs(parts, params) }],
    [
      "cron.status",
      {
        scope: "operator.read",
        call(params) {
          Nothing.parse(params);
          return status(parts);
        },
      },
    ],
  ];
}

async function get(parts: CronMethodParts, params: unknown): Promise<object> {
  const { id, rest } = idAndRest(params);
  Nothing.parse(rest);
  return listedJob(found(await (await parts.scheduler()).find(id), id));
}

async function list(parts: CronMethodParts, query: List): Promise<object> {
  const all = await (await parts.scheduler()).jobs();
  const fallback = parts.agents()[0] ?? "main";
  const effective = (job: CronJob): string => job.definition.agentId ?? fallback;
  const wanted = all.filter(
    (job) =>
      fits(job, query) &&
      names(job, query.query) &&
      (query.agentId === undefined || effective(job) === query.agentId),
  );
  const sorted = sort(wanted, query);
  const { offset, limit } = query;
  const page = sorted.slice(offset, offset + limit);
  const next = offset + page.length;
  const hasMore = next < sorted.length;
  const previews = query.includeDeliveryPreviews ? await previewsOf(parts, page, effective) : {};
  return {
    jobs: page.map((job) => ({ ...listedJob(job), effectiveAgentId: effective(job) })),
    snapshotRevision: snapshotRevision(all),
    total: sorted.length,
    offset,
    limit,
    hasMore,
    nextOffset: hasMore ? next : null,
    deliveryPreviews: previews,
  };
}

async function previewsOf(
  { routes }: CronMethodParts,
  jobs: readonly CronJob[],
  agentOf: (job: CronJob) => string,
): Promise<object> {
  const previews: [string, object][] = [];
  for (const job of jobs) {
    const { delivery } = job.definition;
    const wish = { ...delivery, sessionKey: `agent:${agentOf(job)}:main` };
    previews.push([job.id, previewOf(delivery, await destinationOf(wish, routes))]);
  }
  return Object.fromEntries(previews);
}

function fits({ definition, state }: CronJob, query: List): boolean {
  const { enabled = query.includeDisabled === true ? "all" : "enabled" } = query;
  const { scheduleKind, lastRunStatus, trigger } = query;
  if (enabled !== "all" && definition.enabled !== (enabled === "enabled")) return false;
  if (scheduleKind !== "all" && definition.schedule.kind !== scheduleKind) return false;
  if (lastRunStatus !== "all" && (state.lastStatus ?? "unknown") !== lastRunStatus) return false;
  // None has a trigger.
  return trigger !== "conditional";
}

function names({ id, definition }: CronJob, query = ""): boolean {
  const text = `${id} ${definition.name} ${definition.displayName ?? ""} ${definition.description ?? ""}`;
  return text.toLowerCase().includes(query.trim().toLowerCase());
}

function sort(jobs: readonly CronJob[], { sortBy, sortDir }: List): CronJob[] {
  const sign = sortDir === "asc" ? 1 : -1;
  return jobs.toSorted((a, b) => {
    if (sortBy === "name") return sign * a.definition.name.localeCompare(b.definition.name);
    if (sortBy === "updatedAtMs") return sign * (a.updatedAtMs - b.updatedAtMs);
    // What is never due again comes last, whichever way.
    const [left, right] = [a.state.nextRunAtMs ?? Infinity, b.state.nextRunAtMs ?? Infinity];
    if (left === right) return 0;
    return left === Infinity || right === Infinity ? left - right : sign * (left - right);
  });
}

async function runs(parts: CronMethodParts, params: unknown): Promise<object> {
  const query = Runs.parse(params);
  const jobId = query.id ?? query.jobId;
  if (query.scope === "job" || (query.scope === undefined && query.runId === undefined)) {
    JobId.parse(jobId);
  }
  const { limit, offset, sortDir, runId } = query;
  const page = await parts.store.runs({
    jobId,
    runId,
    statuses: query.statuses ?? (query.status === "all" ? [] : [query.status]),
    deliveryStatuses:
      query.deliveryStatuses ?? (query.deliveryStatus === undefined ? [] : [query.deliveryStatus]),
    query: query.query,
    sortDir,
    limit,
    offset,
  });
  const next = offset + page.runs.length;
  const hasMore = next < page.total;
  return {
    entries: page.runs.map(({ claim, record }) => runEntry(claim.jobId, claim, record)),
    total: page.total,
    offset,
    limit,
    hasMore,
    nextOffset: hasMore ? next : null,
  };
}

async function status({ scheduler, storePath }: CronMethodParts): Promise<object> {
  const running = await scheduler();
  const jobs = await running.jobs();
  const next = jobs
    .map(({ state }) => state.nextRunAtMs)
    .filter((at) => at !== undefined)
    .reduce((least, at) => Math.min(least, at), Infinity);
  return {
    enabled: running.enabled,
    triggersEnabled: false,
    storePath,
    storage: "sqlite",
    sqlitePath: storePath,
    jobs: jobs.length,
    ...(running.enabled && Number.isFinite(next) && { nextWakeAtMs: next }),
  };
}
