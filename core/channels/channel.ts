import type { IngressRouteInput } from "../../shared/ingress/route.ts";

/** A message from a platform, in our shape. */
export interface InboundMessage {
  /** Unique per platform event and stable over redeliveries: the key of the inbox. */
  readonly id: string;
  readonly channel: string;
  /** Whom the answer goes to: a chat, room or thread of the platform. One lane, kept in order. */
  readonly conversation: string;
  /** Who wrote it, the platform's own id: what allow-lists hold. */
  readonly sender: string;
  /** What the sender calls themselves. Anybody can choose it: for people to read, never to decide by. */
  readonly senderName: string;
  /** True when only the sender and the bot read the conversation. */
  readonly direct: boolean;
  readonly text: string;
  /**
   * What the sender typed, without the name they call us by: what commands are looked for in.
   * Undefined: nothing that could be one, for instance because somebody else said it first.
   */
  readonly command?: string | undefined;
  /** Unix time, milliseconds, by the platform's clock. */
  readonly sentAt: number;
}

export interface OutboundMessage {
  readonly conversation: string;
  readonly text: string;
}

/** One piece of a reply. */
export interface OutboundPiece extends OutboundMessage {
  /** `<work>/<piece>`, counted from 0; the same for every try. */
  readonly id: string;
}

/** Where replies leave: a channel, or the way back to whoever sent a webhook. Both keep these promises. */
export interface Outlet {
  readonly id: string;
  /** As `Channel.split`. */
  split(text: string): string[];
  /** As `Channel.send`. */
  send(piece: OutboundPiece, signal: AbortSignal): Promise<string>;
}

/**
 * Stores one raw platform event. Resolves once it is committed, and only then may the platform be
 * told that we have it. `false`: we had it already. Interpreting it comes later, in order, from the inbox.
 */
export type Keep = (event: RawEvent) => Promise<boolean>;

export interface RawEvent {
  /** As `InboundMessage.id`. */
  readonly id: string;
  /** Events of one lane are handled one after another, in the order they were kept. */
  readonly lane: string;
  /** The platform's own JSON. */
  readonly payload: unknown;
}

/** What a channel needs to know of the world around it. */
export interface ChannelContext {
  readonly keep: Keep;
  /** Where platforms can reach our webhooks (`https://edge/hooks/`); undefined: not reachable. */
  readonly webhookBase: () => URL | undefined;
  /** Calls back whenever `webhookBase()` has changed; ends with `signal`. */
  readonly onWebhookBaseChange: (listener: () => void, signal: AbortSignal) => void;
}

/** A POST. */
export interface AlertRequest {
  readonly url: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** A platform people talk to us on: one account of it. */
export interface Channel {
  /** `telegram`, also the name of its webhook route. */
  readonly id: string;

  /**
   * Receives until `signal` aborts, then settles once every received event was handed over.
   * Rejects only when the platform refuses us for good (a revoked token); lost connections
   * are retried inside.
   */
  run(context: ChannelContext, signal: AbortSignal): Promise<void>;

  /** On which routes the platform calls us, and how the edge can tell that it is the platform. */
  ingress(): Promise<readonly IngressRouteInput[]>;

  /**
   * Reads a webhook body that the edge has verified: the events in it, oldest first.
   *
   * @throws GatewayError `invalid_request` for a body that this platform does not send.
   */
  read(body: Uint8Array): RawEvent[];

  /**
   * Reads one kept event. `undefined`: nothing to answer (an edit, a join, a group's own talk).
   *
   * @param heard - `all`: the talk of groups as well.
   * @throws GatewayError `overloaded` when that cannot be told yet, because the platform has not
   *   said who we are: try again later. `invalid_request` when it is no event of this platform.
   */
  toInbound(payload: unknown, heard?: "all"): InboundMessage | undefined;

  /** Cuts a reply into the pieces that `send` is called with, in order. Pure. */
  split(text: string): string[];

  /**
   * Sends one piece.
   *
   * @returns The platform's id of the sent message.
   * @throws GatewayError `rate_limited` with `retryAfterMs`, `not_found` for a conversation that is
   *   gone, `forbidden` when we were thrown out, `overloaded` when trying later may help,
   *   `invalid_request` for a piece the platform will never take: in each case it did not arrive.
   *   Any other error: it is not known whether the message arrived.
   */
  send(message: OutboundMessage, signal: AbortSignal): Promise<string>;

  /**
   * A whole request that sends this text, to be kept by those who may have to send it when we
   * cannot. It holds a credential.
   *
   * @returns Undefined when the platform has no such thing, or there is no such conversation.
   */
  alertRequest(conversation: string, text: string): Promise<AlertRequest | undefined>;

  /** Shows that an answer is being made until `signal` aborts. Never rejects. */
  typing(conversation: string, signal: AbortSignal): Promise<void>;
}
