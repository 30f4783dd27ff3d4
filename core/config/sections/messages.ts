/** Messages: what becomes of those that come while a turn goes on. */
import * as z from "zod";

const QueueMode = z.enum(["steer", "followup", "collect", "interrupt"]);

/** Milliseconds that must be quiet before what was collected is answered. */
const Debounce = z.int().min(0).max(600_000);

const Queue = z.strictObject({
  mode: QueueMode.default("steer"),
  /** By the name of a channel, in place of `mode`. */
  byChannel: z.record(z.string().min(1).max(64), QueueMode).default({}),
  debounceMs: Debounce.default(500),
  debounceMsByChannel: z.record(z.string().min(1).max(64), Debounce).default({}),
  /** Messages of one turn; what becomes of those beyond, `drop` says. */
  cap: z.int().min(1).max(1_000).default(20),
  /** `summarize`: of the oldest a line is told; `old`, `new`: the oldest or newest are left out. */
  drop: z.enum(["summarize", "old", "new"]).default("summarize"),
});

export const Messages = z.strictObject({ queue: Queue.prefault({}) });
