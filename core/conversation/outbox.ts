import { backoffMs } from "../../shared/backoff.ts";
import { GatewayError } from "../../shared/errors.ts";
import type { Outlet } from "../channels/channel.ts";
import type { Store } from "../store/store.ts";
import { startWorker } from "./worker.ts";
import type { Worker, WorkerParts } from "./worker.ts";
import type { OutboxItem } from "../store/entry.ts";

/** Conversations written to at once. Telegram takes 30 messages a second from one bot. */
const MAX_SENDING = 8;
/** Pauses while a platform cannot be reached, doubling: it costs little to look again. */
const BACKOFF = { baseMs: 10_000, maxMs: 5 * 60_000 };
/**
 * Tries of one piece, the first included. With the pauses above some nine hours: a night without
 * a network costs no reply, and a chat that never takes one does not hold its lane for ever.
 */
export const MAX_ATTEMPTS = 150;
/** A reason goes into the store and is read by people. */
const MAX_REASON_UNITS = 300;

export type OutboxStore = Pick<
  Store,
  "unsent" | "nextUnsent" | "markSending" | "markSent" | "markUnsent" | "markLost"
>;

export interface OutboxParts extends WorkerParts {
  readonly store: OutboxStore;
  readonly outlet: (id: string) => Pick<Outlet, "send"> | undefined;
  /** Told of every piece that is over, once that is written down. */
  readonly onEnd?: (channel: string, fate: "sent" | "lost") => void;
  /** A piece waits for a later try, and that is written down. */
  readonly onPutOff?: () => void;
}

/** What becomes of a piece. */
type Fate =
  | { readonly fate: "sent"; readonly platformId: string }
  | { readonly fate: "unsent"; readonly afterMs: number; readonly reason: string }
  | { readonly fate: "lost"; readonly reason: string };

/** Starts sending replies: in order within a conversation, and never knowingly twice. */
export function startOutbox(parts: OutboxParts): Worker {
  const { store, clock } = parts;
  return startWorker<OutboxItem>(
    {
      name: "outbox",
      maxRunning: MAX_SENDING,
      async take(limit) {
        const items = await store.unsent(limit, clock.now());
        // Written down first: should we be killed while sending, nobody may send it again.
        await Promise.all(items.map(({ id }) => store.markSending(id)));
        return items;
      },
      nextDue: () => store.nextUnsent(),
      work: (item, signal) => deliver(item, parts, signal),
    },
    parts,
  );
}

async function deliver(item: OutboxItem, parts: OutboxParts, signal: AbortSignal): Promise<void> {
  const { store, clock, log } = parts;
  const outcome = await send(item, parts, signal);
  const facts = { channel: item.channel, piece: item.id, requestId: item.trace };
  switch (outcome.fate) {
    case "sent":
      log.debug({ ...facts, platformId: outcome.platformId }, "reply sent");
      await store.markSent(item.id, outcome.platformId);
      return parts.onEnd?.(item.channel, "sent");
    case "unsent":
      log.info({ ...facts, ...outcome }, "reply put off");
      await store.markUnsent(item.id, clock.now() + outcome.afterMs, outcome.reason);
      return parts.onPutOff?.();
    case "lost":
      log.warn({ ...facts, reason: outcome.reason }, "reply lost");
      await store.markLost(item.id, outcome.reason);
      return parts.onEnd?.(item.channel, "lost");
  }
}

async function send(item: OutboxItem, parts: OutboxParts, signal: AbortSignal): Promise<Fate> {
  const outlet = parts.outlet(item.channel);
  if (outlet === undefined) return { fate: "lost", reason: "the channel is not configured" };
  try {
    return { fate: "sent", platformId: await outlet.send(item, signal) };
  } catch (error) {
    return fateOf(error, item.attempts + 1, parts.random);
  }
}

/**
 * Reads what `send` threw. Pure.
 *
 * @param attempt - 1 for the first try.
 * @param random - Uniform in [0, 1).
 */
export function fateOf(error: unknown, attempt: number, random: () => number): Fate {
  const message = error instanceof Error ? error.message : "no reason given";
  const reason = message.slice(0, MAX_REASON_UNITS);
  if (!(error instanceof GatewayError)) {
    return { fate: "lost", reason: `unknown whether it arrived: ${reason}` };
  }
  if (error.code !== "rate_limited" && error.code !== "overloaded") return { fate: "lost", reason };
  if (attempt >= MAX_ATTEMPTS) {
    return { fate: "lost", reason: `given up after ${attempt} tries: ${reason}` };
  }
  // Spread, so that the heads of all conversations do not come back at the same moment.
  const afterMs = error.retryAfterMs ?? backoffMs(attempt - 1, () => 0.5 + random() / 2, BACKOFF);
  return { fate: "unsent", afterMs, reason };
}
