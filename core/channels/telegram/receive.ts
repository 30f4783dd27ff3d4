import { once } from "node:events";
import type { Logger } from "pino";
import { backoffMs } from "../../../shared/backoff.ts";
import { GatewayError } from "../../../shared/errors.ts";
import type { ChannelContext } from "../channel.ts";
import type { Clock } from "../clock.ts";
import { TelegramCallError } from "./client.ts";
import type { TelegramClient } from "./client.ts";
import { describe, isTokenRefused } from "./failure.ts";
import { toRawEvent, updateIdOf } from "./inbound.ts";
import { decide, webhookUrl } from "./mode.ts";
import type { Mode } from "./mode.ts";

/** Longest pause between tries while Telegram is away: it may be back any minute. */
const MAX_BACKOFF_MS = 60_000;

export interface ReceiverSettings {
  readonly client: TelegramClient;
  readonly botId: number;
  readonly apiRoot: string;
  /** What Telegram proves itself with. */
  readonly webhookSecret: string;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

/** Keeps updates coming, by webhook while there is an edge and by long polling while there is none. */
export class Receiver {
  readonly #settings: ReceiverSettings;
  readonly #context: ChannelContext;
  readonly #signal: AbortSignal;
  #mode: Mode = { mode: "none" };
  #goneSince: number | undefined;
  #refused: { readonly url: string; readonly at: number } | undefined;
  /** Aborts when the edge has come, gone or moved; replaced once that was looked at. */
  #edgeChange = new AbortController();
  /** The first update that is not kept yet; undefined: Telegram knows better. */
  #offset: number | undefined;
  /** Calls in a row that came to nothing. */
  #failures = 0;

  constructor(settings: ReceiverSettings, context: ChannelContext, signal: AbortSignal) {
    this.#settings = settings;
    this.#context = context;
    this.#signal = signal;
    context.onWebhookBaseChange(() => this.#edgeChange.abort(), signal);
  }

  /** Settles after `signal` aborted. @throws GatewayError `unauthenticated` when the token is refused. */
  async run(): Promise<void> {
    const { client, clock } = this.#settings;
    const registered = await this.#persist(() => client.webhookUrl(this.#signal));
    // An earlier run's webhook may still fill the relay's spool: it gets its time to come back.
    if (registered !== undefined && registered !== "") {
      this.#mode = { mode: "webhook", url: undefined };
    }
    while (!this.#signal.aborted) {
      if (this.#edgeChange.signal.aborted) this.#edgeChange = new AbortController();
      const url = webhookUrl(this.#context.webhookBase(), this.#settings.apiRoot);
      this.#goneSince = url === undefined ? (this.#goneSince ?? clock.now()) : undefined;
      await this.#act(url);
    }
  }

  async #act(url: string | undefined): Promise<void> {
    const decision = decide({
      current: this.#mode,
      url,
      goneSince: this.#goneSince,
      refused: this.#refused,
      now: this.#settings.clock.now(),
    });
    switch (decision.do) {
      case "set_webhook":
        return this.#setWebhook(decision.url);
      case "poll":
        return this.#startPolling();
      case "stay":
        return this.#stay(decision.until);
    }
  }

  async #setWebhook(url: string): Promise<void> {
    const { client, webhookSecret, clock, log } = this.#settings;
    try {
      await client.setWebhook(url, webhookSecret, this.#signal);
      this.#failures = 0;
      this.#refused = undefined;
      this.#mode = { mode: "webhook", url };
      log.info({ url }, "Telegram calls our webhook");
    } catch (error) {
      const { failure } = this.#callErrorOf(error);
      if (failure.kind !== "refused" || failure.status === 429 || failure.status >= 500) {
        return this.#pause(error);
      }
      this.#refused = { url, at: clock.now() };
      log.warn({ url, reason: describe(failure) }, "Telegram refused our webhook: polling instead");
    }
  }

  async #startPolling(): Promise<void> {
    const { client, log } = this.#settings;
    // getUpdates is refused as long as a webhook is set.
    const removed = await this.#persist(async () => {
      await client.deleteWebhook(this.#signal);
      return true;
    });
    if (removed === undefined) return;
    this.#mode = { mode: "polling" };
    log.info("polling Telegram");
  }

  /** Goes on as it is until `until`, or until the edge changes. */
  async #stay(until: number | undefined): Promise<void> {
    const { clock } = this.#settings;
    const over = new AbortController();
    const end = AbortSignal.any([this.#signal, this.#edgeChange.signal, over.signal]);
    const timer =
      until === undefined
        ? undefined
        : clock.wait(until - clock.now(), end).then(() => over.abort());
    if (this.#mode.mode === "polling") await this.#poll(end);
    else if (!end.aborted) await once(end, "abort");
    over.abort();
    await timer;
  }

  async #poll(end: AbortSignal): Promise<void> {
    const { client, log } = this.#settings;
    while (!end.aborted && this.#mode.mode === "polling") {
      try {
        const updates = await client.getUpdates(this.#offset, end);
        if (this.#failures > 0) log.info("Telegram is reached again");
        this.#failures = 0;
        await this.#keepAll(updates);
      } catch (error) {
        if (end.aborted) return;
        await this.#pause(error, end);
      }
    }
  }

  /** Only what is committed may be confirmed: the offset is the promise not to ask for it again. */
  async #keepAll(updates: readonly unknown[]): Promise<void> {
    for (const update of updates) {
      await this.#context.keep(toRawEvent(update, this.#settings.botId));
      this.#offset = updateIdOf(update) + 1;
    }
  }

  /** Tries until it works; undefined once `signal` aborted. */
  async #persist<T>(call: () => Promise<T>): Promise<T | undefined> {
    while (!this.#signal.aborted) {
      try {
        const result = await call();
        this.#failures = 0;
        return result;
      } catch (error) {
        if (this.#signal.aborted) return undefined;
        await this.#pause(error);
      }
    }
    return undefined;
  }

  /** Waits before the next try, the longer the more went wrong. Throws what waiting cannot mend. */
  async #pause(error: unknown, end = this.#signal): Promise<void> {
    const { clock, random, log } = this.#settings;
    this.#failures += 1;
    let waitMs = backoffMs(this.#failures - 1, random, { baseMs: 1_000, maxMs: MAX_BACKOFF_MS });
    if (error instanceof TelegramCallError) {
      const { failure } = this.#callErrorOf(error);
      if (failure.kind === "refused") waitMs = Math.max(waitMs, failure.retryAfterMs ?? 0);
      if (failure.kind === "refused" && failure.status === 409) this.#explainConflict(failure);
      else if (this.#failures === 1) log.warn({ reason: describe(failure) }, "Telegram fails us");
    } else {
      log.error({ err: error }, "an update could not be kept: it will be fetched again");
    }
    await clock.wait(waitMs, end);
  }

  #explainConflict({ description }: { readonly description: string }): void {
    const { log } = this.#settings;
    if (/webhook/i.test(description)) {
      // Somebody set one behind our back: decide anew, which removes it or sets ours.
      this.#mode = { mode: "none" };
      log.warn("another program set a webhook for this bot: removing it");
      return;
    }
    log.warn("another program polls this bot: stop it, or give one of the two a bot of its own");
  }

  #callErrorOf(error: unknown): TelegramCallError {
    if (!(error instanceof TelegramCallError)) throw error;
    if (!isTokenRefused(error.failure)) return error;
    throw new GatewayError(
      "unauthenticated",
      "Telegram refused the bot token. Ask @BotFather for the current one (/token) and put it into channels.telegram.botToken",
    );
  }
}
