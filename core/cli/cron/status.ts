import * as z from "zod";
import { type Io, parseFlags } from "../command.ts";
import { COMMON_OPTIONS, lineTo } from "./line.ts";
import { agoText } from "./text.ts";

/** What the scheduler says of itself. */
export const Status = z.looseObject({
  enabled: z.boolean(),
  jobs: z.number(),
  nextWakeAtMs: z.number().optional(),
  storePath: z.string(),
});

/** `cron status` */
export async function status(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseFlags(args, COMMON_OPTIONS);
  using line = await lineTo(values, io);
  const payload = await line.call("cron.status", {});
  if (values.json === true) {
    io.out(JSON.stringify(payload));
    return 0;
  }
  const { enabled, jobs, nextWakeAtMs, storePath } = Status.parse(payload);
  io.out(enabled ? "jobs are run" : "jobs are not run: cron.enabled is false in the config");
  const next = jobs === 0 ? "" : `, next run ${agoText(nextWakeAtMs, Date.now())}`;
  io.out(`${jobs === 1 ? "1 job" : `${jobs} jobs`}${next}`);
  io.out(`kept in ${storePath}`);
  return 0;
}
