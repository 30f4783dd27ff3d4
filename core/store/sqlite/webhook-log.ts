import { GatewayError } from "../../../shared/errors.ts";
import type { NewWebhook, NewWebhookWork, WebhookLogLimits } from "../webhook.ts";
import { addPart, adoptBody, dropBody, PART_BYTES, partsOf, stageBody } from "./bodies.ts";
import type { Committer } from "./committer.ts";
import type { Db } from "./db.ts";
import { isKnown } from "./inbox.ts";
import { costOf, countAgain, keepWebhook, makeRoom } from "./webhooks.ts";

/** Long bodies written at once: each is in memory until it is. */
const MAX_STAGING = 8;

interface WebhookLogParts {
  readonly now: () => number;
  readonly limits: () => WebhookLogLimits;
  /** A number that no body in the store has. */
  readonly nextBody: number;
}

/** Writes webhooks down: short ones in one transaction, of long ones the body part by part before. */
export class WebhookLog {
  readonly #committer: Committer;
  readonly #parts: WebhookLogParts;
  #nextBody: number;
  #staging = 0;

  constructor(committer: Committer, parts: WebhookLogParts) {
    this.#committer = committer;
    this.#parts = parts;
    this.#nextBody = parts.nextBody;
  }

  /** Returns the new ids. @param write - Counts the rows, runs the rest in a transaction. */
  async keep(
    webhook: NewWebhook,
    work: readonly NewWebhookWork[],
    write: (work: (db: Db) => string[]) => Promise<string[]>,
  ): Promise<string[]> {
    const isLong = webhook.body.byteLength > PART_BYTES;
    if (!isLong) return write((db) => this.#keep(db, webhook, work, this.#bodyOf(webhook)));
    const again = await this.#committer.run((db) => {
      const isOld = eventsOf(webhook, work).every((id) => isKnown(db, id));
      if (isOld) countAgain(db, webhook);
      return isOld;
    });
    // Before anything of its body is written.
    if (again) return [];
    return this.#keepLong(webhook, work, write);
  }

  async #keepLong(
    webhook: NewWebhook,
    work: readonly NewWebhookWork[],
    write: (work: (db: Db) => string[]) => Promise<string[]>,
  ): Promise<string[]> {
    if (this.#staging >= MAX_STAGING) {
      throw new GatewayError("overloaded", "Too many long webhooks are being written down");
    }
    this.#staging += 1;
    const body = this.#bodyOf(webhook);
    try {
      await this.#makeRoom(costOf(webhook));
      for (const { index, bytes } of partsOf(webhook.body)) {
        await this.#committer.run((db) => {
          if (index === 0) stageBody(db, body);
          addPart(db, body, index, bytes);
        });
      }
      return await write((db) => this.#keep(db, webhook, work, body, true));
    } catch (error) {
      // When this fails as well, the next start finds it among what is staged.
      await this.#committer.run((db) => forget(db, body)).catch(() => undefined);
      throw error;
    } finally {
      this.#staging -= 1;
    }
  }

  async #makeRoom(bytes: number): Promise<void> {
    const { limits } = this.#parts;
    while (!(await this.#committer.run((db) => makeRoom(db, bytes, limits().maxBytes)))) {
      // Each time it was a part of what must go.
    }
  }

  #keep(
    db: Db,
    webhook: NewWebhook,
    work: readonly NewWebhookWork[],
    body: number,
    isStaged = false,
  ): string[] {
    const { now, limits } = this.#parts;
    return keepWebhook(db, webhook, work, {
      acceptedAt: now(),
      limits: limits(),
      body,
      isStaged,
    });
  }

  /** 0: it has none. */
  #bodyOf({ body }: NewWebhook): number {
    if (body.byteLength === 0) return 0;
    this.#nextBody += 1;
    return this.#nextBody - 1;
  }
}

function forget(db: Db, body: number): void {
  dropBody(db, body);
  adoptBody(db, body);
}

/** Ids that decide whether there is anything new in it. */
function eventsOf({ ignored }: NewWebhook, work: readonly NewWebhookWork[]): string[] {
  return [...ignored, ...work.flatMap(({ id, events = [] }) => (events.length > 0 ? events : id))];
}
