import * as z from "zod";

const MAX_EVERY_MS = 31 * 24 * 3_600_000;
/** A model that answers more often than this does nothing else. */
const MIN_EVERY_MS = 1_000;

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `30m`, `1h30m`, `0m` for never; a bare number counts minutes, as OpenClaw has it. */
const Every = z
  .string()
  .trim()
  .regex(/^(?:\d{1,9}|(?:\d{1,9}(?:ms|s|m|h|d))+)$/, 'must be a time span like "30m", or "0m"')
  .transform((text) =>
    [...text.matchAll(/(?<count>\d+)(?<unit>[a-z]*)/g)].reduce(
      (sum, { groups = {} }) =>
        sum + Number(groups["count"]) * (UNIT_MS[groups["unit"] || "m"] ?? 0),
      0,
    ),
  )
  .refine((ms) => ms === 0 || (ms >= MIN_EVERY_MS && ms <= MAX_EVERY_MS), {
    error: 'must be from "1s" to "31d", or "0m" for never',
  });

const ClockTime = z
  .string()
  .regex(/^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/, 'must be a time of day like "08:00"');

/**
 * Turns of the main session that nobody asked for. There are none unless the config has this: a
 * model that is asked every half hour costs money.
 */
export const Heartbeat = z.strictObject({
  /** Default: half an hour. */
  every: Every.optional(),
  /** What the agent is asked. */
  prompt: z.string().min(1).max(32_768).optional(),
  /** Where what it has to say goes: `owner`, `last`, `none`, or a channel with `to`. */
  target: z.string().trim().min(1).max(64).optional(),
  to: z.string().trim().min(1).max(256).optional(),
  model: z.string().min(1).max(256).optional(),
  /** Of the agent's main session unless it is another key. */
  session: z.string().min(1).max(256).optional(),
  /** True: each in a session of its own, which knows nothing of the others. */
  isolatedSession: z.boolean().optional(),
  /** True: the model is told nothing of the files of the workspace. */
  lightContext: z.boolean().optional(),
  timeoutSeconds: z.int().min(1).max(86_400).optional(),
  /** What may stand beside an acknowledgement without being told to anybody, characters. */
  ackMaxChars: z.int().min(0).max(10_000).optional(),
  activeHours: z
    .strictObject({
      start: ClockTime,
      end: ClockTime,
      /** An IANA zone; `local`, `user` or left out: that of the host. */
      timezone: z.string().max(64).optional(),
    })
    .optional(),
});
export type Heartbeat = z.output<typeof Heartbeat>;
