import type { CronJob } from "../../store/cron-job.ts";
import { MethodError } from "../method.ts";

/** @throws MethodError that programs can tell from others. */
export function found(job: CronJob | undefined, id: string): CronJob {
  if (job !== undefined) return job;
  throw new MethodError("INVALID_REQUEST", `unknown automation job id: ${id}`, {
    code: "CRON_JOB_NOT_FOUND",
    jobId: id,
  });
}
