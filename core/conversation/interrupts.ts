/** Messages that end the turn under way, so that their own begins. */
import type { Logger } from "pino";
import { accessOf, type AccessPolicy } from "../channels/allow-list.ts";
import type { Channel, InboundMessage } from "../channels/channel.ts";
import type { Pairing } from "../channels/pairing.ts";
import type { Store } from "../store/store.ts";
import { Aborted, type LiveRun, type LiveRuns } from "./live-runs.ts";
import { queueRules, type QueueConfig, type QueueMode } from "./queue.ts";
import type { RunKind } from "./run.ts";
import type { NewInboxItem } from "../store/entry.ts";

/** Turns of people, and what they asked for: no job of the gateway's own, and no request of a program. */
const INTERRUPTED: ReadonlySet<RunKind> = new Set(["chat", "agent", "channel"]);

export interface InterruptParts {
  readonly live: LiveRuns;
  readonly store: { readonly sessions: Pick<Store["sessions"], "find"> };
  readonly queue: () => QueueConfig;
  readonly channel: (id: string) => Channel | undefined;
  readonly access: (channel: string) => AccessPolicy;
  readonly pairing: Pick<Pairing, "approved">;
  readonly sessionKeyOf: (message: InboundMessage) => Promise<string>;
  readonly isCommand: (message: InboundMessage) => boolean;
  readonly log: Logger;
}

export class Interrupts {
  readonly #parts: InterruptParts;

  constructor(parts: InterruptParts) {
    this.#parts = parts;
  }

  /** What goes on now, of one session or of all: to be asked before a message is kept. */
  underWay(sessionKey?: string): readonly LiveRun[] {
    return this.#parts.live
      .of(sessionKey)
      .filter(({ state, facts }) => state.status === "running" && INTERRUPTED.has(facts.kind));
  }

  /**
   * After the message was kept: ends what went on before it, if it is to.
   *
   * @param own - The message's own wish.
   */
  async by(
    sessionKey: string,
    runs: readonly LiveRun[],
    { channel, own }: { readonly channel?: string; readonly own?: QueueMode | undefined } = {},
  ): Promise<void> {
    const meant = runs.filter(({ facts }) => facts.sessionKey === sessionKey);
    if (meant.length === 0) return;
    const info = await this.#parts.store.sessions.find(sessionKey);
    const { mode } = queueRules(info?.settings ?? {}, this.#parts.queue(), channel, own);
    if (mode !== "interrupt") return;
    for (const run of meant) if (!run.wasAborted) run.stop(new Aborted());
  }

  /** The same for events of channels; `fresh` are those that were new. Never rejects. */
  async byItems(
    items: readonly NewInboxItem[],
    fresh: readonly string[],
    runs: readonly LiveRun[],
  ): Promise<void> {
    if (runs.length === 0) return;
    for (const item of items) {
      try {
        if (fresh.includes(item.id)) await this.#byItem(item, runs);
      } catch (error) {
        this.#parts.log.warn({ err: error, item: item.id }, "a message could not interrupt");
      }
    }
  }

  async #byItem({ source, payload }: NewInboxItem, runs: readonly LiveRun[]): Promise<void> {
    const { channel, access, pairing, sessionKeyOf, isCommand } = this.#parts;
    const message = channel(source)?.toInbound(payload);
    if (message === undefined || isCommand(message)) return;
    const paired = (await pairing.approved(source)).map(({ sender }) => sender);
    if (accessOf(message, access(source), paired) !== "allow") return;
    await this.by(await sessionKeyOf(message), runs, { channel: source });
  }
}
