import type { Logger } from "pino";
import { GatewayError } from "../../shared/errors.ts";
import { accessOf } from "../channels/allow-list.ts";
import type { Channel, InboundMessage, Outlet } from "../channels/channel.ts";
import { pairingText } from "../channels/pairing.ts";
import type { Pairing } from "../channels/pairing.ts";
import type { Store } from "../store/store.ts";
import type { CommandDesk } from "./commands/desk.ts";
import { commandOf, isStop } from "./commands/parse.ts";
import type { Follower } from "./following.ts";
import { promptOf } from "./route.ts";
import { routed, type RoutingParts } from "./routing.ts";
import type { NewOutboxItem, SessionEntry, InboxItem } from "../store/entry.ts";

export interface ReceptionParts extends Pick<RoutingParts, "route" | "access"> {
  readonly store: Pick<Store, "finish">;
  readonly channel: (id: string) => Channel | undefined;
  readonly pairing: Pairing;
  readonly commands: Pick<CommandDesk, "take" | "answersAll">;
  /** Replies are waiting in the outbox. */
  readonly onReply: () => void;
  readonly log: Logger;
}

/** A message of somebody who may talk to us. */
export interface Visit {
  readonly channel: Channel;
  readonly message: InboundMessage;
  readonly sessionKey: string;
}

/** What is for the agent of it. */
export interface Question {
  readonly prompt: string;
  /** The answer, as its session wants it shown. */
  readonly dress: (text: string, entry: SessionEntry) => string;
}

/** Messages of channels, before an agent sees them: who may talk, and what is no question at all. */
export class Reception {
  readonly #parts: ReceptionParts;

  constructor(parts: ReceptionParts) {
    this.#parts = parts;
  }

  /**
   * @returns Undefined: the item has ended, with or without a word to the stranger.
   * @throws GatewayError for an item that cannot be read, `overloaded` when not yet.
   */
  async admit(item: InboxItem): Promise<Visit | undefined> {
    const channel = this.#parts.channel(item.source);
    if (channel === undefined) throw new GatewayError("not_found", "The channel is not configured");
    const message = channel.toInbound(item.payload) ?? (await this.#overheard(channel, item));
    if (message === undefined) {
      await this.#parts.store.finish(item.id, []);
      return undefined;
    }
    if (!(await this.#mayTalk(item, channel, message))) return undefined;
    return { channel, message, sessionKey: await routed(message, this.#parts) };
  }

  /** @returns Undefined: the item has ended, with an answer of the gateway or none. */
  async hear(item: InboxItem, visit: Visit, signal: AbortSignal): Promise<Question | undefined> {
    const { commands, store, onReply } = this.#parts;
    const { channel: outlet, message, sessionKey } = visit;
    const fate = await commands.take({ item, message, sessionKey }, signal);
    if (fate.do === "ask") {
      return { prompt: promptOf({ ...message, text: fate.text }), dress: fate.dress };
    }
    const text = fate.do === "say" ? fate.text : "";
    const { conversation } = message;
    const pieces = text === "" ? [] : piecesOf(item, { outlet, conversation }, text);
    await store.finish(item.id, pieces);
    onReply();
    return undefined;
  }

  /**
   * What an item says that waits behind a visit; nothing becomes of it here.
   *
   * @returns Undefined: it is no question, or not one of the same conversation.
   */
  async follow(item: InboxItem, visit: Visit): Promise<Follower | undefined> {
    const { message, channel } = visit;
    if (item.source !== channel.id) return undefined;
    const next = readable(channel, item);
    if (next === undefined || isForGateway(next)) return undefined;
    const { access, pairing } = this.#parts;
    const paired = (await pairing.approved(channel.id)).map(({ sender }) => sender);
    if (accessOf(next, access(channel.id), paired) !== "allow") return undefined;
    const isSame =
      next.conversation === message.conversation &&
      (await routed(next, this.#parts)) === visit.sessionKey;
    if (!isSame) return undefined;
    return { id: item.id, message: { role: "user", text: promptOf(next) }, run: undefined };
  }

  /** Talk of a group that names nobody, where all of it is for us. */
  async #overheard(channel: Channel, item: InboxItem): Promise<InboundMessage | undefined> {
    const message = channel.toInbound(item.payload, "all");
    if (message === undefined) return undefined;
    // Strangers of a group are not asked to pair: nobody has spoken to us.
    if (accessOf(message, this.#parts.access(channel.id), []) !== "allow") return undefined;
    const key = await routed(message, this.#parts);
    return (await this.#parts.commands.answersAll(key)) ? message : undefined;
  }

  async #mayTalk(item: InboxItem, channel: Channel, message: InboundMessage): Promise<boolean> {
    const { access, pairing, store, onReply, log } = this.#parts;
    const paired = (await pairing.approved(channel.id)).map(({ sender }) => sender);
    const decision = accessOf(message, access(channel.id), paired);
    if (decision === "allow") return true;
    const { sender, senderName: name, conversation } = message;
    const answer =
      decision === "pair"
        ? await pairing.ask(channel.id, { sender, name, askedBy: item.id })
        : ({ state: "ignored" } as const);
    if (answer.state === "approved") return true;
    log.info({ channel: channel.id, sender, state: answer.state }, "message of a stranger");
    const text = answer.state === "new" ? pairingText(channel.id, answer.code) : "";
    await store.finish(item.id, piecesOf(item, { outlet: channel, conversation }, text));
    onReply();
    return false;
  }
}

/** Undefined: there is nothing to answer, or it cannot be told yet. */
function readable(channel: Channel, item: InboxItem): InboundMessage | undefined {
  try {
    return channel.toInbound(item.payload);
  } catch {
    return undefined; // looked at again in its turn, where it is said what is wrong with it
  }
}

/** A command, or what may be one. */
export function isForGateway({ command }: InboundMessage): boolean {
  return command !== undefined && (isStop(command) || commandOf(command) !== undefined);
}

/** Where a reply goes. */
export interface Target {
  readonly outlet: Outlet;
  readonly conversation: string;
}

/** The pieces of a reply. Their ids follow from the item's, so the same work cannot queue them twice. */
export function piecesOf(
  item: InboxItem,
  target: Target | undefined,
  text: string,
): NewOutboxItem[] {
  if (target === undefined) return [];
  const { outlet, conversation } = target;
  return outlet.split(text).map((piece, index) => ({
    id: `${item.id}/${index}`,
    channel: outlet.id,
    conversation,
    text: piece,
    trace: item.trace,
  }));
}
