/** Which heartbeat jobs there should be, and are not yet. Pure. */
import type { CronDefinition, CronJob } from "../store/cron-job.ts";
import {
  everyMsOf,
  heartbeatDefinition,
  heartbeatJobId,
  heartbeatOf,
  type HeartbeatSettings,
} from "./heartbeat.ts";

/** A job that is to be made, changed, or (without a definition) removed. */
export interface WantedJob {
  readonly id: string;
  readonly definition: CronDefinition | undefined;
}

/** @param enabled - False: they stand still, whatever the settings say. */
export function heartbeatJobs(
  settings: HeartbeatSettings,
  jobs: readonly CronJob[],
  enabled: boolean,
): WantedJob[] {
  const wanted = new Map<string, CronDefinition>();
  for (const { id } of settings.agents) {
    const heartbeat = heartbeatOf(settings, id);
    if (heartbeat === undefined) continue;
    wanted.set(heartbeatJobId(id), heartbeatDefinition(id, everyMsOf(heartbeat), enabled));
  }
  const known = new Map(jobs.map((job) => [job.id, job]));
  const gone = jobs.filter(
    ({ id, definition }) => definition.payload.kind === "heartbeat" && !wanted.has(id),
  );
  return [
    ...gone.map(({ id }) => ({ id, definition: undefined })),
    ...wanted
      .entries()
      .filter(([id, one]) => JSON.stringify(known.get(id)?.definition) !== JSON.stringify(one))
      .map(([id, definition]) => ({ id, definition })),
  ];
}
