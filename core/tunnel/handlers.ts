import type { EdgeBundle } from "../../shared/edge-bundle.ts";
import type { LaterKey } from "../../shared/edge-features.ts";
import type { Challenge } from "../../shared/gateway/device-proof.ts";
import type { DeliveryHead, SyncAnswer } from "../../shared/tunnel/delivery.ts";
import type { Principal } from "../../shared/principal.ts";
import type { OperatorScope } from "../methods/method.ts";
import type { TunnelMetrics } from "./metrics.ts";

/** Everything known of who sent a request. Decisions use this, never a header. */
export interface Caller {
  readonly principal: Principal;
  /** What an operator of the gateway protocol may do; undefined: everything its principal may. */
  readonly operatorScopes?: readonly OperatorScope[] | undefined;
  /** The device its credential was made out to. */
  readonly deviceId?: string | undefined;
  /**
   * The challenge the edge has put to this WebSocket's client: it gets no second one, and its first
   * message is the `connect` that answers this one.
   */
  readonly connect?: Challenge | undefined;
  readonly requestId: string;
  /** Address of the client itself, as the edge or our own socket saw it. */
  readonly ip: string;
  readonly via: "edge" | "local";
  /** W3C trace context: the client's own, or one made of the request id. */
  readonly traceparent?: string | undefined;
  /** Milliseconds, from its arrival, after which nobody waits for an answer's head any more. */
  readonly deadlineMs?: number | undefined;
}

/** One client WebSocket, whether it came through the edge or to our own port. */
export interface ClientSocket {
  /** Text as string, binary as bytes. Order is kept. Ignored once closed. */
  send(message: string | Uint8Array): void;
  /** @param code - A legal close code: 1000 to 1014 but 1004 to 1006, or 3000 to 4999; 1005 for none. */
  close(code: number, reason: string): void;
  /** Bytes handed to `send` that have not left yet. */
  readonly bufferedBytes: number;
  /** Resolves when what was sent has left; undefined when nothing waits. */
  drained(): Promise<void> | undefined;
  /**
   * What the next core needs to take this client up again, at most `LIMITS.maxNoteBytes` of
   * UTF-8; each replaces the one before. Ignored on our own port, where a socket dies with the core.
   */
  keep(state: string): void;
  /** Set once, before anything can arrive. `onClose` is called exactly once. */
  listen(listener: SocketListener): void;
}

export interface SocketListener {
  /** Until `receipt` is used, the message is handed to the next core again if this one dies. */
  onMessage(message: string | Uint8Array, receipt: Receipt): void;
  onClose(code: number, reason: string): void;
}

/**
 * Says what became of a message. Its first use counts and gives the client room to send on, so each
 * receipt must be used at some time.
 */
export interface Receipt {
  /** Sends the answer; a crash loses both or neither. */
  answer(message: string | Uint8Array): void;
  /** Done, nothing to say. */
  done(): void;
}

/** A webhook out of the tunnel. */
export interface Delivery extends Omit<DeliveryHead, "token"> {
  readonly body: Uint8Array<ArrayBuffer>;
}

/**
 * What became of it. `duplicate`: every event in it is known. An answer for a sender that waits says
 * that it is committed, too.
 */
export type Delivered = "committed" | "duplicate" | SyncAnswer;

/** What the core does with what comes out of the tunnel. */
export interface TunnelHandlers {
  /** Answers a request. `request.signal` aborts when the client is gone. */
  fetch(request: Request, caller: Caller): Promise<Response>;

  /**
   * Decides on a WebSocket before the client gets its 101.
   *
   * @returns A function that takes the socket over, or the refusal as an ordinary response.
   */
  upgrade(request: Request, caller: Caller): Promise<Upgrade>;

  /**
   * A client of a core that is gone; it has its 101 long since and hears nothing of the change.
   * Refused, it is closed with 1012.
   *
   * @param kept - What the core before us kept of it; empty for nothing.
   */
  reattach(request: Request, caller: Caller, kept: string): Promise<Upgrade>;

  /**
   * Commits a webhook to the inbox.
   *
   * Resolves as soon as it is committed; for a sender that waits (`syncMs`) once it is answered, or
   * as soon as it is clear that it will not be in time.
   *
   * @throws GatewayError `not_found` or `invalid_request`: it will never be accepted (dead letter);
   *   anything else: later perhaps.
   */
  deliver(delivery: Delivery): Promise<Delivered>;

  /** What the edge must know now; asked for on every connect and after `Tunnel.publish()`. */
  bundle(): EdgeBundle;
}

export type Upgrade =
  | {
      readonly accepted: true;
      readonly protocol: string | undefined;
      /** False: the client is closed with 1012 when this core goes. */
      readonly survives: boolean;
      take(socket: ClientSocket): void;
    }
  | { readonly accepted: false; readonly response: Response };

/** State of the connection to one relay, for status and metrics. */
export interface RelayState {
  /** `region:generation`; `primary` until the edge has told. */
  readonly name: string;
  /** Host of the edge. */
  readonly url: string;
  readonly connected: boolean;
  /** Unix ms since when it is as it is. */
  readonly since: number;
  /** Why the last attempt failed or what is wrong now; fit to be shown. */
  readonly lastError: string | undefined;
  /** Where the relay runs, in Cloudflare's words; empty when it does not say. */
  readonly colo: string;
  /** The last round trip measured; undefined before the first. */
  readonly rttMs: number | undefined;
  /** The edge is about to give this relay up. */
  readonly draining: boolean;
  /** This relay sends its work to us. */
  readonly leads: boolean;
  /** The edge's clock minus ours, as far as it had to be corrected. */
  readonly skewMs: number;
  /** Connections made after the first. */
  readonly reconnects: number;
  /** What the relay last said of itself, unasked: JSON as `GET /state` answers it. */
  readonly stats: unknown;
}

/** State of the tunnel as a whole, for `/health` and the log. */
export interface TunnelState {
  /** To at least one relay. */
  readonly connected: boolean;
  /** Unix ms since when it is as it is. */
  readonly since: number;
  /** Why the last attempt failed; fit to be shown. */
  readonly lastError: string | undefined;
  /** What does not stop us but should be known, one sentence each. */
  readonly warnings: readonly string[];
}

/** Who holds the store's writer lock: a higher epoch of the same store wins. */
export interface Fence {
  /** Id of the store that `epoch` belongs to. */
  readonly store: string;
  /** At least 1. */
  readonly epoch: number;
}

/** What the relay answered to a request of ours. */
export interface RelayAnswer {
  readonly status: number;
  /** Of JSON; undefined when empty. */
  readonly body: unknown;
}

/** The core's end of the tunnel, kept up until disposed. */
export interface Tunnel extends AsyncDisposable {
  readonly state: TunnelState;
  readonly relays: readonly RelayState[];
  readonly metrics: TunnelMetrics;
  /** Calls back on every change of `state.connected`. */
  onChange(listener: (state: TunnelState) => void): void;
  /** Whether the edge takes this key of the bundle; one that has said nothing yet counts as of today. */
  takes(key: LaterKey): boolean;
  /** Sends the bundle again to every relay, after a config change. Nothing before `lead`. */
  publish(): void;
  /**
   * From now on this core does the work, on every relay and after every reconnect; before, each
   * stream is answered NOT_LEADER. Once.
   *
   * @param fence - Undefined for a core without a store, whose mode is `shared`.
   */
  lead(handlers: TunnelHandlers, fence: Fence | undefined): void;
  /**
   * Asks a relay about itself: `GET /state`, `GET /keys` …
   *
   * @param relay - Its name; undefined: the first that is connected, the primary before others.
   * @throws GatewayError `core_lost` when it is not connected or gives no answer in time.
   */
  request(
    relay: string | undefined,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<RelayAnswer>;
  /** Measures the round trip to each connected relay anew. */
  measure(): Promise<void>;
  /**
   * Gives this core a new key: makes it known to each relay, dials with it, forgets the old one.
   * May be called again after a failure; it goes on where it ended.
   *
   * @returns The names of both keys.
   * @throws GatewayError that says which relay did not play along.
   */
  rotateKey(): Promise<{ readonly old: string; readonly current: string }>;
  /** The key we dial with: its name and its public half. */
  readonly key: { readonly kid: string; readonly publicKey: string };
  /**
   * No new work from when each relay has said that it knows; resolves when what is under way is
   * done or `deadlineMs` has passed.
   */
  drain(deadlineMs: number): Promise<void>;
}
