import type { Fields } from "./fields.ts";
import type { Frame } from "./frame.ts";
import type { PeerLimits } from "./greeting.ts";
import type { Stream } from "./stream.ts";
import type { ReceiveWindowState } from "./window.ts";

/** What a session tells the shell around it. */
export interface SessionHandlers {
  /** Relay: the core has introduced itself. Answer with `welcome`. */
  onHello(fields: Fields): void;
  /** Core: the relay is ready. */
  onWelcome(fields: Fields): void;
  /** The peer opened a stream: call `listen` on it at once. */
  onOpen(stream: Stream, fields: Fields): void;
  /** An answer to a delivery of before the relay slept: it names the delivery in `:id`. */
  onLateAnswer(answer: "ack" | "nack", code: number, fields: Fields): void;
  /**
   * A frame for a stream we do not know: after a relay slept, it may be that of a WebSocket.
   * Answer with `resume`, or undefined when there is none.
   */
  onUnknownStream(id: number): Stream | undefined;
  /** What `Stream.state` says of a WebSocket has changed. */
  onSocketChange(stream: Stream): void;
  /** Content was taken: `Session.state` is another, even when there is nothing to send. */
  onConsumed?(): void;
  /** The peer takes no new streams; it is answered already. */
  onGoAway(code: number, reason: string): void;
  /** STATS or PONG, which change nothing here. */
  onNews?(news: Frame): void;
  /** The peer has seen our GOAWAY: it opens nothing more. */
  onDrained(): void;
  /** The peer broke the protocol: close the socket with 1002. Nothing more will be sent. */
  onFatal(reason: string): void;
}

/** What must outlive the memory of a hibernating relay: small enough for a socket attachment. */
export interface SessionState {
  readonly nextId: number;
  readonly highestPeerId: number;
  readonly sent: number;
  readonly sendLimit: number;
  readonly receive: ReceiveWindowState;
  readonly peer: PeerLimits;
  readonly goingAway: boolean;
  readonly peerGoingAway: boolean;
}
