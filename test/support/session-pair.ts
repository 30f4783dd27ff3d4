/** Two sessions joined in memory, for tests and fuzzing: no socket, no clock, no event loop. */
import type { Fields } from "../../shared/tunnel/fields.ts";
import { Session, type SessionOptions } from "../../shared/tunnel/session.ts";
import type { SessionHandlers } from "../../shared/tunnel/session-handlers.ts";
import type { Stream } from "../../shared/tunnel/stream.ts";

export interface Pair {
  relay: Session;
  readonly core: Session;
  /** What each side's socket claims to hold unsent. */
  readonly buffered: { relay: number; core: number };
  /** Milliseconds; tests move it. */
  readonly clock: { now: number };
  /** Carries messages across until both sides are silent. */
  settle(): void;
  /** Replaces the relay by one that remembers only what a hibernating one does. */
  wakeRelay(): Session;
}

const SILENT: SessionHandlers = {
  onHello: () => undefined,
  onWelcome: () => undefined,
  onOpen: () => undefined,
  onLateAnswer: () => undefined,
  onUnknownStream: () => undefined,
  onSocketChange: () => undefined,
  onGoAway: () => undefined,
  onDrained: () => undefined,
  onFatal: () => undefined,
};

const NO_FIELDS: Fields = [];

/** @param onCore, onRelay - Handlers of the two ends; what is left out is ignored. */
export function pair(
  onCore: Partial<SessionHandlers> = {},
  onRelay: Partial<SessionHandlers> = {},
): Pair {
  const toCore: Uint8Array[] = [];
  const toRelay: Uint8Array[] = [];
  const turns: (() => void)[] = [];
  const buffered = { relay: 0, core: 0 };
  const clock = { now: 0 };

  const options = (role: "relay" | "core"): SessionOptions => ({
    role,
    send: (message) => (role === "relay" ? toCore : toRelay).push(message),
    bufferedBytes: () => buffered[role],
    defer: (flush) => turns.push(flush),
    now: () => clock.now,
    handlers:
      role === "relay"
        ? { ...SILENT, onHello: () => joined.relay.welcome(NO_FIELDS), ...onRelay }
        : { ...SILENT, ...onCore },
  });

  const joined: Pair = {
    relay: new Session(options("relay")),
    core: new Session(options("core")),
    buffered,
    clock,
    settle() {
      while (turns.length + toCore.length + toRelay.length > 0) {
        for (const turn of turns.splice(0)) turn();
        for (const message of toCore.splice(0)) joined.core.receive(message);
        for (const message of toRelay.splice(0)) joined.relay.receive(message);
      }
    },
    wakeRelay() {
      joined.relay = new Session(options("relay"), joined.relay.state);
      return joined.relay;
    },
  };
  joined.core.hello(NO_FIELDS);
  joined.settle();
  return joined;
}

/** Reads a stream and remembers what came. */
export function collect(stream: Stream | undefined): {
  readonly events: string[];
  readonly resets: number[];
  bytes(): Uint8Array;
} {
  if (stream === undefined) throw new Error("the stream was refused");
  const events: string[] = [];
  const resets: number[] = [];
  const chunks: number[] = [];
  stream.listen((event) => {
    events.push(event.type);
    if (event.type === "reset") resets.push(event.code);
    if (event.type !== "data") return;
    chunks.push(...event.bytes);
    stream.consume(event.bytes.byteLength);
  });
  return { events, resets, bytes: () => Uint8Array.from(chunks) };
}

/** Counts what arrives on many streams, and in which order. */
export function recorder(): {
  readonly streams: Stream[];
  readonly order: number[];
  bytesOf(id: number): number;
  listen(stream: Stream, options?: { readonly consume: boolean }): void;
} {
  const streams: Stream[] = [];
  const order: number[] = [];
  const bytes = new Map<number, number>();
  return {
    streams,
    order,
    bytesOf: (id) => bytes.get(id) ?? 0,
    listen(stream, { consume } = { consume: true }) {
      streams.push(stream);
      stream.listen((event) => {
        if (event.type !== "data") return;
        order.push(stream.id);
        bytes.set(stream.id, (bytes.get(stream.id) ?? 0) + event.bytes.byteLength);
        if (consume) stream.consume(event.bytes.byteLength);
      });
    },
  };
}
