import type { Logger } from "pino";
import { accessOf, type AccessPolicy, NO_COMMANDS_SET } from "../../channels/allow-list.ts";
import type { Channel, InboundMessage } from "../../channels/channel.ts";
import type { Pairing } from "../../channels/pairing.ts";
import type { Store } from "../../store/store.ts";
import { dressed } from "./dress.ts";
import { commandOf, isStop } from "./parse.ts";
import { type CommandHost, type CommandParts, NO_HOST, type Outcome } from "./host.ts";
import { runCommand, stoppedText } from "./run.ts";
import { type Standing, standingOf } from "./standing.ts";
import { Stops } from "./stops.ts";
import type { SessionEntry, InboxItem, NewInboxItem } from "../../store/entry.ts";

export interface DeskParts extends Omit<CommandParts, "host" | "store"> {
  readonly store: CommandParts["store"] & Pick<Store, "get" | "set">;
  readonly channel: (id: string) => Channel | undefined;
  readonly access: (channel: string) => AccessPolicy;
  readonly pairing: Pick<Pairing, "approved" | "firstOf">;
  readonly sessionKeyOf: (message: InboundMessage) => Promise<string>;
  readonly log: Logger;
}

/** A message of a channel, of somebody who may talk there. */
export interface ChannelSaid {
  readonly item: Pick<InboxItem, "id" | "receivedAt">;
  readonly message: InboundMessage;
  readonly sessionKey: string;
}

/** What becomes of a message. */
export type Fate =
  | { readonly do: "say"; readonly text: string }
  /** Nobody answers it. */
  | { readonly do: "ignore" }
  | {
      readonly do: "ask";
      readonly text: string;
      /** The answer, as the session wants it shown. */
      readonly dress: (text: string, entry: SessionEntry) => string;
    };

/** Tells messages of channels that are for the agent from those that are for the gateway. */
export class CommandDesk {
  readonly #parts: DeskParts;
  readonly #stops: Stops;
  /** Stops that were carried out before their turn came, by their item: whether anything ended. */
  readonly #stopped = new Map<string, Promise<boolean>>();
  /** Unix ms at which the newest item was received. */
  #lastAt = 0;
  #host: CommandHost = NO_HOST;

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.#stops = new Stops(parts);
    // What fails here is tried again where it is needed.
    this.#stops.load().catch(() => undefined);
  }

  /** From now on commands know of the gateway around them. */
  attach(host: CommandHost): void {
    this.#host = host;
  }

  /** Carries out a command of a client. @param said - It may use all. */
  run(...[command, said, signal]: RunArguments): Promise<Outcome> {
    return runCommand(command, said, this.#commandParts, signal);
  }

  /**
   * New items as they are to be kept. A wish to stop what goes on must not wait for it: it gets a
   * lane of its own. Which of two came first can be told by when they were received, also when the
   * clock has been put back since the last stop.
   */
  placed<Item extends NewInboxItem>(items: readonly Item[]): Item[] {
    return items.map((item) => {
      if (this.#parts.channel(item.source) === undefined) return item;
      this.#lastAt = Math.max(item.receivedAt, this.#lastAt + 1, this.#stops.newest + 1);
      const isUrgent = this.#wishToStop(item) !== undefined;
      const lane = isUrgent ? `${item.lane}/stop` : item.lane;
      return { ...item, lane, receivedAt: this.#lastAt };
    });
  }

  /** Stops at once what is to be stopped; the answer comes when the item is worked on. */
  hurry(items: readonly NewInboxItem[], fresh: readonly string[]): void {
    for (const item of items) if (fresh.includes(item.id)) void this.#hurry(item);
  }

  /** @throws What a store throws that fails. */
  async take(said: ChannelSaid, signal: AbortSignal): Promise<Fate> {
    const { item, message, sessionKey } = said;
    const { command: words } = message;
    const standing = await this.#standing(message);
    if (words === undefined) return this.#ask(said, message.text);
    if (isStop(words) && standing !== "none") {
      return { do: "say", text: stoppedText(await this.#takeStop(said)) };
    }
    const command = this.#policy(message).enabled ? commandOf(words) : undefined;
    if (command === undefined) return this.#ask(said, message.text);
    if (standing === "none") return { do: "ignore" };
    const { channel, sender, senderName, direct } = message;
    const from = { channel, sender, senderName, direct };
    const made = await this.run(command, { id: item.id, sessionKey, standing, from }, signal);
    return made.do === "say" ? made : this.#ask(said, made.text);
  }

  /** Whether a message in a group that names nobody is for us as well. */
  async answersAll(sessionKey: string): Promise<boolean> {
    const info = await this.#parts.store.sessions.find(sessionKey);
    return info?.settings["groupActivation"] === "always";
  }

  async #ask({ item, message, sessionKey }: ChannelSaid, text: string): Promise<Fate> {
    const { store } = this.#parts;
    const { settings = {} } = (await store.sessions.find(sessionKey)) ?? {};
    await this.#stops.load();
    // Looked at last: whoever stops after this finds the turn under way.
    if (this.#stops.covers(placeOf(message), item.receivedAt)) return { do: "ignore" };
    if (settings["sendPolicy"] === "deny") return { do: "ignore" };
    return { do: "ask", text, dress: (answer, entry) => dressed(answer, entry, settings) };
  }

  async #takeStop(said: ChannelSaid): Promise<boolean> {
    try {
      return await this.#stop(said);
    } finally {
      this.#stopped.delete(said.item.id);
    }
  }

  /** Once for each item, however often it is asked for. */
  #stop({ item, message, sessionKey }: ChannelSaid): Promise<boolean> {
    const known = this.#stopped.get(item.id);
    if (known !== undefined) return known;
    const stopped = (async () => {
      await this.#stops.mark(placeOf(message), item.receivedAt);
      return (await this.#parts.runs.abort({ sessionKey })).length > 0;
    })();
    this.#stopped.set(item.id, stopped);
    stopped.catch(() => this.#stopped.delete(item.id));
    return stopped;
  }

  async #standing(message: InboundMessage): Promise<Standing> {
    const { access, pairing } = this.#parts;
    const { allowFrom } = access(message.channel);
    const first = await pairing.firstOf(message.channel);
    return standingOf(message, this.#policy(message), { allowFrom, first });
  }

  #policy({ channel }: InboundMessage): NonNullable<AccessPolicy["commands"]> {
    return this.#parts.access(channel).commands ?? NO_COMMANDS_SET;
  }

  /** Never rejects. */
  async #hurry(item: NewInboxItem): Promise<void> {
    const { access, pairing, sessionKeyOf, log } = this.#parts;
    const message = this.#wishToStop(item);
    if (message === undefined) return;
    try {
      const paired = (await pairing.approved(item.source)).map(({ sender }) => sender);
      if (accessOf(message, access(item.source), paired) !== "allow") return;
      if ((await this.#standing(message)) === "none") return;
      await this.#stop({ item, message, sessionKey: await sessionKeyOf(message) });
    } catch (error) {
      log.warn({ err: error, item: item.id }, "a stop has to wait for its turn");
    }
  }

  #wishToStop({ source, payload }: NewInboxItem): InboundMessage | undefined {
    try {
      const message = this.#parts.channel(source)?.toInbound(payload);
      return message?.command !== undefined && isStop(message.command) ? message : undefined;
    } catch {
      return undefined; // not readable, or not yet: it is looked at again in its turn
    }
  }

  get #commandParts(): CommandParts {
    return { ...this.#parts, host: () => this.#host };
  }
}

type RunArguments = readonly [
  command: Parameters<typeof runCommand>[0],
  said: Parameters<typeof runCommand>[1],
  signal: AbortSignal,
];

function placeOf({ channel, conversation }: InboundMessage): string {
  return `${channel}:${conversation}`;
}
