import { setTimeout } from "node:timers/promises";
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { GatewayLine } from "../client.ts";
import { type Io, parseFlags } from "../command.ts";
import { spanOf } from "./flags.ts";
import { jobIdOf } from "./job.ts";
import { COMMON_OPTIONS, idOf, lineTo } from "./line.ts";

const text = { type: "string" } as const;
const OPTIONS = {
  ...COMMON_OPTIONS,
  due: { type: "boolean" },
  wait: { type: "boolean" },
  "wait-timeout": text,
  "poll-interval": text,
} as const;

const Answer = z.looseObject({ runId: z.string().optional(), reason: z.string().optional() });
const Entry = z.looseObject({
  status: z.string(),
  completionStatus: z.string(),
  summary: z.string().optional(),
  error: z.string().optional(),
});
type Entry = z.output<typeof Entry>;
const Runs = z.looseObject({ entries: z.array(Entry) });

/** `cron run` */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  const wanted = idOf(positionals, "cron run");
  const timeoutMs = spanOf(values["wait-timeout"] ?? "10m", "--wait-timeout");
  const everyMs = spanOf(values["poll-interval"] ?? "2s", "--poll-interval");
  using line = await lineTo(values, io);
  const id = await jobIdOf(line, wanted);
  const mode = values.due === true ? "due" : "force";
  const payload = await line.call("cron.run", { id, mode });
  const { runId, reason = "" } = Answer.parse(payload);
  if (runId === undefined) {
    io.out(values.json === true ? JSON.stringify(payload) : `not run: ${reason}`);
    return 1;
  }
  if (values.wait !== true) {
    io.out(values.json === true ? JSON.stringify(payload) : `begun: ${runId}`);
    return 0;
  }
  const entry = await ended(line, { id, runId, timeoutMs, everyMs }, io.stop);
  io.out(values.json === true ? JSON.stringify(entry) : describe(entry));
  return entry.completionStatus === "succeeded" ? 0 : 1;
}

async function ended(
  line: GatewayLine,
  wait: { id: string; runId: string; timeoutMs: number; everyMs: number },
  stop: AbortSignal,
): Promise<Entry> {
  const { id, runId, timeoutMs, everyMs } = wait;
  const until = Date.now() + timeoutMs;
  for (;;) {
    const { entries } = Runs.parse(await line.call("cron.runs", { id, runId, limit: 1 }));
    const [entry] = entries;
    if (entry !== undefined) return entry;
    if (Date.now() >= until) {
      throw new GatewayError("core_timeout", "the run goes on, and was waited for long enough");
    }
    await setTimeout(everyMs, undefined, { signal: stop });
  }
}

function describe({ status, summary, error }: Entry): string {
  return [status, error ?? summary ?? ""].filter((part) => part !== "").join(": ");
}
