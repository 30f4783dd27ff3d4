/**
 * How the turn of a webhook ended, for a sender who stays on the line for it.
 *
 * Told are facts alone, never a word of the agent: who may wake it need not be one it talks to.
 * Source: OpenClaw 2026.9.6, `waitForCompletion` of `POST /hooks/agent`.
 */
import { GatewayError } from "../../shared/errors.ts";
import type { Engine } from "../conversation/engine.ts";
import type { RunEvent } from "../conversation/run.ts";
import { saidOf } from "../cron/silence.ts";
import type { Store } from "../store/store.ts";
import type { WebhookDetail, WebhookReply } from "../store/webhook.ts";

/** As long as a run takes by default; who is still on the line then is told that it goes on. */
const MAX_WAIT_MS = 600_000;
/** Each is an open request, and looks at the log whenever something ends. */
const MAX_WAITING = 32;
/** About what a turn takes. */
const FULL_RETRY_MS = 10_000;
/** Who asks again does it soon; as many as these are few and small. */
const KEPT_MS = 5 * 60_000;
const MAX_KEPT = 1_000;

export interface Completion {
  readonly status: "ok" | "error";
  /** What the agent said, in kind; absent when it did not come to an answer. */
  readonly replyDisposition?: "visible" | "silent" | "empty";
  /** Whether all of the answer reached the conversation that it was for. */
  readonly delivered: boolean;
  readonly deliveryAttempted: boolean;
  readonly deliveryError?: "delivery-failed";
}

/** How the turn itself ended. */
type Outcome = Pick<Completion, "status" | "replyDisposition">;

interface CompletionParts {
  readonly engine: Pick<Engine, "progress" | "runs">;
  readonly store: Pick<Store, "webhook">;
  /** Aborts when the gateway takes in nothing more. */
  readonly stop: AbortSignal | undefined;
  readonly now: () => number;
}

/** A place among those who wait; to be given back. */
export interface Seat extends Disposable {
  /**
   * Waits for the end of a committed webhook, and for its answer to be sent.
   *
   * @returns Undefined: it goes on still, or nobody knows any more how it ended.
   */
  ending(webhook: string, clientGone: AbortSignal): Promise<Completion | undefined>;
}

export class Completions {
  readonly #parts: CompletionParts;
  /** By run, oldest first. */
  readonly #outcomes = new Map<string, Outcome & { readonly endedAt: number }>();
  #waiting = 0;

  constructor(parts: CompletionParts) {
    this.#parts = parts;
    parts.engine.runs.watch((event) => this.#note(event));
  }

  /** @throws GatewayError overloaded */
  seat(): Seat {
    if (this.#waiting >= MAX_WAITING) {
      const retryAfterMs = FULL_RETRY_MS;
      throw new GatewayError("overloaded", "Too many wait for completion", { retryAfterMs });
    }
    this.#waiting += 1;
    return {
      ending: (webhook, clientGone) => this.#ending(webhook, clientGone),
      [Symbol.dispose]: () => {
        this.#waiting -= 1;
      },
    };
  }

  async #ending(webhook: string, clientGone: AbortSignal): Promise<Completion | undefined> {
    const { engine, store, stop } = this.#parts;
    const ends = [clientGone, AbortSignal.timeout(MAX_WAIT_MS)];
    const over = AbortSignal.any(stop === undefined ? ends : [...ends, stop]);
    while (!over.aborted) {
      const changed = engine.progress.heard(over);
      const found = await store.webhook(webhook);
      if (found === undefined) return undefined;
      if (isOver(found) && !(await this.#isLive(found))) return this.#completionOf(found);
      await changed;
    }
    return undefined;
  }

  /** Its end is kept first and told then; in between nothing is known of it. */
  async #isLive({ work: [item] }: WebhookDetail): Promise<boolean> {
    const run = item && (await this.#parts.engine.runs.find(item.id));
    return run !== undefined && run.endedAt === undefined;
  }

  #completionOf({ state, work, replies }: WebhookDetail): Completion | undefined {
    const id = work[0]?.id ?? "";
    const known = this.#outcomes.get(id);
    const isKnown = known !== undefined && this.#parts.now() - known.endedAt < KEPT_MS;
    if (state === "dead") return { status: "error", ...deliveryOf(replies) };
    if (!isKnown) return undefined;
    const { status, replyDisposition } = known;
    const said = replyDisposition === undefined ? {} : { replyDisposition };
    return { status, ...said, ...deliveryOf(replies) };
  }

  #note({ type, run }: RunEvent): void {
    if (run.kind !== "hook" || (type !== "done" && type !== "failed" && type !== "aborted")) return;
    const endedAt = this.#parts.now();
    this.#outcomes.delete(run.id);
    this.#outcomes.set(run.id, { ...outcomeOf(type, run.text), endedAt });
    for (const [id, known] of this.#outcomes) {
      if (this.#outcomes.size <= MAX_KEPT && endedAt - known.endedAt < KEPT_MS) break;
      this.#outcomes.delete(id);
    }
  }
}

function outcomeOf(type: "done" | "failed" | "aborted", text: string): Outcome {
  if (type !== "done") return { status: "error" };
  const said = saidOf(text);
  if (said.text !== undefined) return { status: "ok", replyDisposition: "visible" };
  return { status: "ok", replyDisposition: said.reason === "empty" ? "empty" : "silent" };
}

/** An answer that is put off is over here: with all that is to follow it, it may take a night. */
function isOver({ endedAt, replies }: WebhookDetail): boolean {
  const open = replies.filter(({ state }) => state !== "sent" && state !== "lost");
  const isPutOff = open.some(({ state, reason }) => state === "waiting" && reason !== undefined);
  return endedAt !== undefined && (open.length === 0 || isPutOff);
}

function deliveryOf(
  replies: readonly WebhookReply[],
): Pick<Completion, "delivered" | "deliveryAttempted" | "deliveryError"> {
  const deliveryAttempted = replies.length > 0;
  const delivered = deliveryAttempted && replies.every(({ state }) => state === "sent");
  const isLost = replies.some(({ state }) => state === "lost");
  return {
    delivered,
    deliveryAttempted,
    ...(isLost ? { deliveryError: "delivery-failed" as const } : {}),
  };
}
