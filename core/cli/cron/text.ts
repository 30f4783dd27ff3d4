/** Jobs and runs as people read them. Pure. */
import * as z from "zod";

const Schedule = z.looseObject({
  kind: z.string(),
  at: z.string().optional(),
  everyMs: z.number().optional(),
  expr: z.string().optional(),
  tz: z.string().optional(),
});

/** What of a job is shown. */
export const Job = z.looseObject({
  id: z.string(),
  name: z.string(),
  displayName: z.string().optional(),
  description: z.string().optional(),
  enabled: z.boolean(),
  schedule: Schedule,
  sessionTarget: z.string(),
  agentId: z.string().optional(),
  effectiveAgentId: z.string().optional(),
  payload: z.looseObject({
    kind: z.string(),
    message: z.string().optional(),
    text: z.string().optional(),
    model: z.string().optional(),
  }),
  nextRunAtMs: z.number().optional(),
  lastRunAtMs: z.number().optional(),
  lastRunStatus: z.string().optional(),
  lastRunError: z.string().optional(),
  state: z.looseObject({
    runningAtMs: z.number().optional(),
    consecutiveErrors: z.number().optional(),
  }),
});
export type Job = z.output<typeof Job>;

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** `5400000` -> `1h30m`; the two largest units. */
export function spanText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`;
  let left = ms;
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(left / size);
    if (count === 0) continue;
    parts.push(`${count}${unit}`);
    left -= count * size;
  }
  return parts.slice(0, 2).join("");
}

export function scheduleText({
  kind,
  at = "",
  everyMs = 0,
  expr = "",
  tz,
}: Job["schedule"]): string {
  if (kind === "at") return `at ${at}`;
  if (kind === "every") return `every ${spanText(everyMs)}`;
  return tz === undefined ? `cron ${expr}` : `cron ${expr} (${tz})`;
}

/** `in 3m`, `2h ago`. */
export function agoText(at: number | undefined, now: number): string {
  if (at === undefined) return "-";
  return at >= now ? `in ${spanText(at - now)}` : `${spanText(now - at)} ago`;
}

/** What a job does next. */
export function nextText({ enabled, nextRunAtMs, state }: Job, now: number): string {
  if (!enabled) return "disabled";
  if (state.runningAtMs !== undefined) return "running";
  return nextRunAtMs === undefined ? "not due again" : `next run ${agoText(nextRunAtMs, now)}`;
}
