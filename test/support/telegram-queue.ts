import { randomInt } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { FakeUpdate } from "./telegram-updates.ts";

/** A registered webhook. */
export interface Webhook {
  readonly url: string;
  readonly secret: string | undefined;
  readonly allowedUpdates: readonly string[];
  readonly maxConnections: number;
}

/** What a webhook answered: Telegram would execute JSON in it, so the body matters. */
export interface WebhookAnswer {
  readonly updateId: number;
  readonly status: number;
  readonly body: string;
}

/** Why a waiting poll came back: news or time, another poll, or a webhook that was set. */
type PollEnd = "news" | "other_poll" | "webhook";

/** The real server begins with seconds; the shape is the same. */
const FIRST_RETRY_MS = 20;
const MAX_RETRY_MS = 320;

/**
 * The updates of one bot that nobody has taken yet, handed out as Telegram does: over long polling
 * until the offset passes them, or to the webhook until it answers 2xx; per chat in order, other
 * chats beside it. Source: tdlib/telegram-bot-api, WebhookActor.cpp.
 */
export class TelegramQueue {
  readonly answers: WebhookAnswer[] = [];
  webhook: Webhook | undefined;
  #pending: FakeUpdate[] = [];
  #poll: PromiseWithResolvers<PollEnd> | undefined;
  readonly #lanes = new Set<string>();
  readonly #closed = new AbortController();
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get pending(): readonly FakeUpdate[] {
    return this.#pending;
  }

  get polling(): boolean {
    return this.#poll !== undefined;
  }

  push(update: FakeUpdate): void {
    this.#pending.push(update);
    this.#poll?.resolve("news");
    this.#pump();
  }

  setWebhook(webhook: Webhook | undefined, dropPending: boolean): void {
    this.webhook = webhook;
    if (dropPending) this.#pending = [];
    if (webhook !== undefined) this.#poll?.resolve("webhook");
    this.#changed();
    this.#pump();
  }

  close(): void {
    this.#closed.abort();
    this.#poll?.resolve("other_poll");
  }

  /** One `getUpdates`: updates, or what ended it while it waited. */
  async take(
    query: { readonly offset: number; readonly limit: number; readonly timeoutMs: number },
    gone: AbortSignal,
  ): Promise<readonly FakeUpdate[] | "other_poll" | "webhook"> {
    this.#poll?.resolve("other_poll");
    this.#pending = this.#pending.filter(({ update_id: id }) => id >= query.offset);
    this.#changed();
    if (this.#pending.length === 0 && query.timeoutMs > 0) {
      const poll = Promise.withResolvers<PollEnd>();
      this.#poll = poll;
      this.#changed();
      const over = AbortSignal.any([
        gone,
        this.#closed.signal,
        AbortSignal.timeout(query.timeoutMs),
      ]);
      over.addEventListener("abort", () => poll.resolve("news"), { once: true });
      const outcome = await poll.promise;
      if (this.#poll === poll) this.#poll = undefined;
      if (outcome !== "news") return outcome;
    }
    return this.#pending.slice(0, query.limit);
  }

  /** Starts a courier for every chat that has updates and none yet. */
  #pump(): void {
    for (const update of this.#pending) {
      const lane = laneOf(update);
      if (this.#lanes.has(lane) || !this.#callable()) continue;
      this.#lanes.add(lane);
      void this.#courier(lane).finally(() => this.#lanes.delete(lane));
    }
  }

  /** An https webhook is only registered: the fake calls nothing but loopback. */
  #callable(): boolean {
    return this.webhook?.url.startsWith("http:") === true && !this.#closed.signal.aborted;
  }

  async #courier(lane: string): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (this.#callable()) {
      const update = this.#pending.find((waiting) => laneOf(waiting) === lane);
      if (update === undefined) return;
      if (await this.#call(update)) {
        this.#pending = this.#pending.filter((waiting) => waiting !== update);
        retryMs = FIRST_RETRY_MS;
        this.#changed();
        continue;
      }
      await setTimeout(retryMs + randomInt(10), undefined, { signal: this.#closed.signal }).catch(
        () => undefined, // closed: the loop condition ends it
      );
      retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
    }
  }

  /** True when the webhook took the update. */
  async #call(update: FakeUpdate): Promise<boolean> {
    const { webhook } = this;
    if (webhook === undefined) return false;
    try {
      const response = await fetch(webhook.url, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          ...(webhook.secret === undefined
            ? {}
            : { "X-Telegram-Bot-Api-Secret-Token": webhook.secret }),
        },
        body: JSON.stringify(update),
        redirect: "manual",
        signal: this.#closed.signal,
      });
      const body = await response.text();
      this.answers.push({ updateId: update.update_id, status: response.status, body });
      this.#changed();
      return response.ok;
    } catch {
      return false; // nobody listens there now: as on the real server, the update waits
    }
  }
}

function laneOf(update: FakeUpdate): string {
  return /"chat":\{"id":(-?\d+)/.exec(JSON.stringify(update))?.[1] ?? "none";
}
