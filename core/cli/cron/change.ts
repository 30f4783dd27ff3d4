import { type Io, parseFlags } from "../command.ts";
import { printable } from "../printable.ts";
import { invalid } from "./flags.ts";
import { jobIdOf } from "./job.ts";
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
  const wanted = idOf(positionals, `cron ${enabled ? "enable" : "disable"}`);
  using line = await lineTo(values, io);
  const id = await jobIdOf(line, wanted);
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
  const wanted = idOf(positionals, "cron remove");
  using line = await lineTo(values, io);
  const id = await jobIdOf(line, wanted);
  const answer = await line.call("cron.remove", { id });
  const removed = Reflect.get(Object(answer), "removed") === true;
  if (values.json === true) io.out(JSON.stringify(answer));
  else if (removed) io.out(`removed ${id}`);
  else throw invalid(`there is no job ${printable(id, 64)}; sallyport cron list --all shows them`);
  return removed ? 0 : 1;
}
