import { type Io, parseFlags } from "../command.ts";
import { COMMON_OPTIONS, idOf, lineTo } from "./line.ts";
import { Job, nextText } from "./text.ts";

/** `cron enable` */
export function enable(args: readonly string[], io: Io): Promise<number> {
  return toggle(args, io, true);
}

/** `cron disable` */
export function disable(args: readonly string[], io: Io): Promise<number> {
  return toggle(args, io, false);
}

async function toggle(args: readonly string[], io: Io, enabled: boolean): Promise<number> {
  const { values, positionals } = parseFlags(args, COMMON_OPTIONS);
  const id = idOf(positionals, `cron ${enabled ? "enable" : "disable"}`);
  using line = await lineTo(values, io);
  const changed = await line.call("cron.update", { id, patch: { enabled } });
  const job = Job.parse(changed);
  if (values.json === true) io.out(JSON.stringify(changed));
  else
    io.out(enabled ? `enabled ${job.name}, ${nextText(job, Date.now())}` : `disabled ${job.name}`);
  return 0;
}

/** `cron remove` */
export async function remove(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, COMMON_OPTIONS);
  const id = idOf(positionals, "cron remove");
  using line = await lineTo(values, io);
  const answer = await line.call("cron.remove", { id });
  const removed = Reflect.get(Object(answer), "removed") === true;
  if (values.json === true) io.out(JSON.stringify(answer));
  else io.out(removed ? `removed ${id}` : `there is no job ${id}`);
  return removed ? 0 : 1;
}
