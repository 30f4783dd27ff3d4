/** What every store keeps, for how long, and how much of it. Times are milliseconds. */
import { LIMITS } from "../../shared/limits.ts";

const DAY_MS = 24 * 3_600_000;

/**
 * How long the id of finished work is remembered: longer than any sender repeats itself (Meta for 7
 * days, GitHub and Stripe for 3), and as long again as the edge may keep the last of its tries.
 */
export const REMEMBER_MS = LIMITS.dedupeMs + LIMITS.spoolRetentionMs;
/** How long what was given up stays for people to look at. */
export const SHOW_LOST_MS = 30 * DAY_MS;
/**
 * How long a session that nobody can go on with is kept after its last turn: as long as OpenAI keeps
 * its responses. Clients that name no user leave one such session for every request.
 */
export const EPHEMERAL_SESSION_MS = 30 * DAY_MS;
/** How long a conversation that was reset or deleted is kept, for the day somebody regrets it. */
export const RETIRED_SESSION_MS = 30 * DAY_MS;
/**
 * Pieces of replies that may wait to be sent: some 40 MB on the disk. With more, no new work is
 * begun until some have left or were given up: it waits in the inbox, which refuses when it is
 * full. So nothing is lost, and no model is asked for an answer that has nowhere to go.
 */
export const MAX_UNSENT = 10_000;
/** How much of the log of webhooks is kept unless the config says otherwise: about what people look back for. */
export const LOG_LIMITS = { maxAgeMs: 14 * DAY_MS, maxBytes: 512 * 1024 * 1024 } as const;
/**
 * Of the history of scheduled runs: a week, as OpenClaw keeps, and per job what a job of every five
 * minutes does in that time.
 */
export const CRON_LIMITS = { runsMs: 7 * DAY_MS, runsPerJob: 2_000 } as const;
/**
 * How many responses of the HTTP API are kept for their clients to ask for again; whichever limit
 * is reached first, the oldest go. As long as OpenAI keeps them; some ten thousand turns of text.
 */
export const RESPONSE_LIMITS = {
  maxAgeMs: 30 * DAY_MS,
  maxCount: 10_000,
  maxBytes: 256 * 1024 * 1024,
} as const;
/**
 * What models were asked, one row for each time; whichever limit is reached first, the oldest go. A
 * year and a month, so that a month can be held against the same one a year ago; at 200 bytes a row
 * some 50 MB.
 */
export const USAGE_LIMITS = { maxAgeMs: 400 * DAY_MS, maxRows: 250_000 } as const;
