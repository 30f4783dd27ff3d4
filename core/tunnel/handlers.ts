import type { EdgeBundle } from "../../shared/edge-bundle.ts";
import type { Principal } from "../../shared/principal.ts";

/** Everything known of who sent a request. Decisions use this, never a header. */
export interface Caller {
  readonly principal: Principal;
  readonly requestId: string;
  /** Address of the client itself, as the edge or our own socket saw it. */
  readonly ip: string;
  readonly via: "edge" | "local";
}

/** One client WebSocket, whether it came through the edge or to our own port. */
export interface ClientSocket {
  /** Text as string, binary as bytes. Order is kept. Ignored once closed. */
  send(message: string | Uint8Array): void;
  /** @param code - A legal close code: 1000 to 1014 but 1004 to 1006, or 3000 to 4999. */
  close(code: number, reason: string): void;
  /** Bytes handed to `send` that have not left yet. */
  readonly bufferedBytes: number;
  /** Set once, before anything can arrive. `onClose` is called exactly once. */
  listen(listener: SocketListener): void;
}

export interface SocketListener {
  onMessage(message: string | Uint8Array): void;
  onClose(code: number, reason: string): void;
}

/** A webhook that the edge has verified. */
export interface Delivery {
  readonly id: string;
  readonly route: string;
  readonly lane: string;
  readonly receivedAt: number;
  readonly requestId: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

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
   * Commits a webhook to the inbox.
   *
   * @returns `duplicate` when the id is known.
   * @throws GatewayError `not_found` or `invalid_request`: it will never be accepted (dead letter);
   *   anything else: later perhaps.
   */
  deliver(delivery: Delivery): Promise<"committed" | "duplicate">;

  /** What the edge must know now; asked for on every connect and after `Tunnel.publish()`. */
  bundle(): EdgeBundle;
}

export type Upgrade =
  | {
      readonly accepted: true;
      readonly protocol: string | undefined;
      take(socket: ClientSocket): void;
    }
  | { readonly accepted: false; readonly response: Response };

/** State of the connection to the edge, for `/health` and the log. */
export interface TunnelState {
  readonly connected: boolean;
  /** Unix ms since when it is as it is. */
  readonly since: number;
  /** Why the last attempt failed; fit to be shown. */
  readonly lastError: string | undefined;
}

/** The core's end of the tunnel, kept up until disposed. */
export interface Tunnel extends AsyncDisposable {
  readonly state: TunnelState;
  /** Calls back on every change of `state.connected`. */
  onChange(listener: (state: TunnelState) => void): void;
  /** Sends the bundle again, after a config change. Does nothing while not connected. */
  publish(): void;
  /** No new work from now on; resolves when what is under way is done or `deadlineMs` has passed. */
  drain(deadlineMs: number): Promise<void>;
}
