import { GatewayError } from "../../shared/errors.ts";
import type { Session } from "../../shared/tunnel/session.ts";
import type { Fields } from "../../shared/tunnel/fields.ts";
import { logLine } from "../log.ts";
import type { CallOf } from "../relay-call.ts";
import type { KeptWebhooks } from "./attachment.ts";
import { Drain } from "./drain.ts";
import { Inbox } from "./inbox.ts";
import { Keeper } from "./keeper.ts";
import { Outage } from "./outage.ts";
import { answerOnSpool, type SpoolAnswer } from "./spool-service.ts";
import { Spool } from "./spool/spool.ts";
import type { Storage } from "./spool/tables.ts";
import { WebhookStats } from "./webhook-stats.ts";

/** Below the ten seconds after which a relay may sleep, so this keeps none awake. */
const SAVE_AFTER_MS = 5_000;
/** Of the refusals, what `GET /state` tells in STATS, which must be short. */
const FEW_REFUSED = 5;
/** Bodies held at once while the core decides, of 128 MB for all: two of the largest fit. */
const MAX_HELD_BYTES = 52 * 1024 * 1024;
const FULL_RETRY_MS = 5_000;

export interface WebhooksHost {
  readonly storage: Storage;
  /** What sockets of cores have brought through a sleep. */
  readonly kept: readonly KeptWebhooks[];
  session(): Session | undefined;
  /** Wakes the relay at `at` (Unix ms), unless it will wake sooner. */
  wakeAt(at: number): void;
  /** Sockets of cores should be given `kept` anew. */
  changed(): void;
}

/** All that a relay does about webhooks. */
export class Webhooks {
  readonly #spool: Spool;
  readonly #drain: Drain;
  readonly #inbox: Inbox;
  readonly #outage: Outage;
  readonly #stats: WebhookStats;
  #heldBytes = 0;
  readonly #saver = new Keeper(SAVE_AFTER_MS);

  constructor(host: WebhooksHost) {
    const { storage, kept } = host;
    const saved = { persist: () => this.#spool.save() };
    this.#spool = new Spool({
      storage,
      carried: kept.map(({ seen }) => seen),
      now: () => Date.now(),
      unsaved: () => this.#saver.mark(saved),
    });
    const spool = this.#spool;
    const session = (): Session | undefined => host.session();
    const wakeAt = (at: number): void => host.wakeAt(at);
    const changed = (): void => host.changed();
    this.#drain = new Drain({ session, wakeAt, spool });
    this.#outage = new Outage(storage.sql);
    this.#stats = new WebhookStats(kept.map(({ stats }) => stats));
    const [drain, outage, stats] = [this.#drain, this.#outage, this.#stats];
    this.#inbox = new Inbox({ session, wakeAt, spool, drain, outage, stats, changed });
  }

  /** Whether there is anything an alarm is needed for. */
  get any(): boolean {
    return this.#spool.items > 0 || this.#spool.dead.size > 0;
  }

  /** Undelivered ones. */
  get waiting(): number {
    return this.#spool.items;
  }

  /** Unix ms since when the oldest waits. */
  get oldestAt(): number | undefined {
    return this.#spool.oldestAt();
  }

  /** @throws GatewayError as `Inbox.accept` does; `overloaded` with too many bodies in memory. */
  async deliver(call: CallOf<"deliver">, request: Request): Promise<Response> {
    const bytes = call.bytes ?? Number(request.headers.get("Content-Length") ?? 0);
    if (this.#heldBytes + bytes > MAX_HELD_BYTES) {
      throw new GatewayError("overloaded", "Too many webhooks at once", {
        retryAfterMs: FULL_RETRY_MS,
      });
    }
    this.#heldBytes += bytes;
    try {
      const body = new Uint8Array(await request.arrayBuffer());
      return Response.json(await this.#inbox.accept(call, request.headers, body));
    } finally {
      this.#heldBytes -= bytes;
    }
  }

  refused(refused: CallOf<"refusals">["refused"]): void {
    this.#stats.refuse(refused);
  }

  /** A core is there that takes work. */
  coreCame(): void {
    this.#drain.run(Date.now());
  }

  /** The last core has no more work, or is gone. */
  coreLeft(): void {
    this.#outage.began(Date.now());
  }

  /** No socket of a core carries anything any more. */
  coreGone(): void {
    this.#spool.seen.flush();
  }

  lateAnswer(answer: "ack" | "nack", code: number, fields: Fields): void {
    this.#drain.lateAnswer(answer, code, fields);
  }

  /** Settles when nothing waits in our own queue: until then the relay must not sleep. */
  sent(): Promise<void> {
    return this.#drain.sent();
  }

  /** Never throws: what fails is tried with the next alarm, and there is one while anything waits. */
  async alarm(now: number): Promise<void> {
    try {
      this.#spool.expire(now);
    } catch (error) {
      logLine("error", { event: "not_expired", err: String(error) });
    }
    this.#drain.run(now);
    this.#spool.save();
    await this.#drain.sent();
  }

  /** For the sockets of cores to carry through a sleep. */
  get kept(): KeptWebhooks {
    return { stats: this.#stats.kept, seen: this.#spool.seen.carried };
  }

  /** @param brief - With the most frequent refusals only. */
  state(brief: boolean): object {
    const { accepted, duplicates, spooledTotal } = this.#stats;
    return {
      spooled: this.#spool.items,
      bytes: this.#spool.bytes,
      dead: this.#spool.dead.size,
      oldestAt: this.#spool.oldestAt() ?? null,
      unverified: this.#spool.unverified,
      accepted,
      duplicates,
      spooledTotal,
      refused: this.#stats.refused(brief ? FEW_REFUSED : undefined),
    };
  }

  /** What a core asks of the spool; undefined: no such request. */
  asked(
    request: { readonly method: string; readonly path: string; readonly body: unknown },
    leads: boolean,
  ): SpoolAnswer | undefined {
    const revived = (): void => this.#drain.run(Date.now());
    return answerOnSpool({ spool: this.#spool, revived }, request, leads);
  }
}
