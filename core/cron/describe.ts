/** Runs and jobs as history and clients see them. Pure. */
import type { CronClaim } from "../store/cron.ts";
import type { CronJob, CronRunRecord } from "../store/cron-job.ts";
import type { Executed } from "./turn.ts";
import { publicJob } from "./public-job.ts";

export function recordOf(
  jobName: string,
  claim: CronClaim,
  executed: Executed,
  { endedAt, nextRunAtMs }: { endedAt: number; nextRunAtMs?: number | undefined },
): CronRunRecord {
  const { status, error, summary, sessionKey, run, delivery } = executed;
  return {
    ts: endedAt,
    status,
    completionStatus: completionOf(executed),
    error,
    summary,
    ...(delivery.status === "not-requested" ? {} : { delivered: delivery.status === "delivered" }),
    deliveryStatus: delivery.status,
    deliveryError: delivery.error,
    deliverySuppressionReason: delivery.suppressed,
    sessionKey,
    runAtMs: claim.claimedAt,
    durationMs: Math.max(0, endedAt - claim.claimedAt),
    nextRunAtMs,
    jobName,
    ...modelOf(run),
  };
}

function completionOf({ status, delivery }: Executed): CronRunRecord["completionStatus"] {
  if (status === "error") return "failed";
  const isLost = delivery.status === "not-delivered" && delivery.suppressed === undefined;
  return isLost ? "failed" : "succeeded";
}

function modelOf(run: Executed["run"]): Pick<CronRunRecord, "model" | "provider" | "usage"> {
  if (run === undefined) return {};
  const { model, usage } = run;
  const [provider, ...rest] = model?.split("/") ?? [];
  return {
    ...(model === undefined ? {} : { provider, model: rest.join("/") }),
    ...(usage === undefined
      ? {}
      : {
          usage: {
            input_tokens: usage.inputTokens,
            output_tokens: usage.outputTokens,
            total_tokens: usage.inputTokens + usage.outputTokens,
          },
        }),
  };
}

/** The event `cron` when a job has changed. */
export function jobEvent(job: CronJob, action: "added" | "updated" | "removed"): object {
  const { nextRunAtMs } = job.state;
  return { jobId: job.id, action, job: publicJob(job), ...(nextRunAtMs && { nextRunAtMs }) };
}

/** One ended run, as `cron.runs` lists it and the event `cron` tells it. */
export function runEntry(jobId: string, claim: CronClaim, record: CronRunRecord): object {
  return { ...record, jobId, action: "finished", runId: claim.id };
}
