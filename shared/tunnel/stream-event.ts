import type { Fields } from "./fields.ts";
import type { ReceiveWindowState } from "./window.ts";

/** What the peer did on a stream. After `reset`, `ack` or `nack` nothing more comes. */
export type StreamEvent =
  /** The answer's head; for a WebSocket, status 101 means accepted. */
  | { readonly type: "head"; readonly fields: Fields }
  /** Call `consume` once the bytes have gone on: that is what lets the peer send more. */
  | { readonly type: "data"; readonly bytes: Uint8Array }
  | { readonly type: "end" }
  /** Call `consume(bytes)` once it has gone on. `answers`: see `sendMessage`; 0 for none. */
  | {
      readonly type: "message";
      readonly message: string | Uint8Array;
      readonly bytes: number;
      readonly answers: number;
    }
  /** The core has dealt with one of the client's messages, without a word to the client. */
  | { readonly type: "taken"; readonly receipt: number }
  /** What the next core shall know of this client. */
  | { readonly type: "state"; readonly state: string }
  | { readonly type: "close"; readonly code: number; readonly reason: string }
  | { readonly type: "ack"; readonly fields: Fields }
  | { readonly type: "nack"; readonly code: number; readonly fields: Fields }
  /** The peer reads no further: send no more data; its own direction goes on. */
  | { readonly type: "stop" }
  | { readonly type: "reset"; readonly code: number; readonly reason: string };

export type StreamListener = (event: StreamEvent) => void;

/** What of a stream must outlive the memory of a hibernating relay. */
export interface StreamState {
  readonly id: number;
  readonly sent: number;
  readonly sendLimit: number;
  readonly receive: ReceiveWindowState;
  /** Of what is held, given back to the connection's credit already. */
  readonly ahead: number;
  /** Half a message was here: the rest alone would be another message. */
  readonly partial: boolean;
}

/**
 * The name of the nth message (from 1) that one side sent on a stream: small enough for a frame's
 * `ext`, and no two that can be waiting at once have the same.
 */
export function receiptOf(nth: number): number {
  return ((nth - 1) % 0xffff) + 1;
}
