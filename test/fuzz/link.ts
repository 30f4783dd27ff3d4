import { LIMITS } from "../../shared/limits.ts";
import { decodeFrames, encodeFrames } from "../../shared/tunnel/frame.ts";
import { Session, type SessionOptions } from "../../shared/tunnel/session.ts";
import type { SessionHandlers } from "../../shared/tunnel/session-handlers.ts";
import type { Random } from "../support/random.ts";
import { check } from "./check.ts";

export type Role = "relay" | "core";

/** Two sessions and the path between them, on which things happen in any order that TCP allows. */
export class Link {
  readonly ends: Record<Role, Session>;
  readonly #random: Random;
  readonly #handlers: Record<Role, SessionHandlers>;
  /** By who will receive them. */
  readonly #messages: Record<Role, Uint8Array[]> = { relay: [], core: [] };
  readonly #turns: (() => void)[] = [];
  /** Whether the runtime tells how much its sockets hold. */
  readonly #congested: boolean;
  #now = 1;

  constructor(random: Random, handlers: Record<Role, SessionHandlers>) {
    this.#random = random;
    this.#handlers = handlers;
    this.#congested = random.once(2);
    this.ends = {
      relay: new Session(this.#options("relay")),
      core: new Session(this.#options("core")),
    };
  }

  /** Nothing is on its way and nobody has anything to say. */
  get quiet(): boolean {
    const { relay, core } = this.#messages;
    return this.#turns.length + relay.length + core.length === 0;
  }

  /** One turn of an event loop ends, or one message arrives; time goes by. */
  step(): void {
    this.#now += this.#random.size(300);
    const what = this.#random.below(3);
    if (what === 0) this.#turns.shift()?.();
    else this.#deliver(what === 1 ? "relay" : "core");
  }

  /** Goes on until all is quiet. */
  settle(): void {
    for (let steps = 0; !this.quiet; steps += 1) {
      check(steps < 1_000_000, "the two never fall silent");
      this.step();
    }
  }

  /** The relay sleeps and wakes: only its state comes back, as it would from an attachment. */
  sleep(): void {
    check(this.quiet, "a relay sleeps only when all is quiet");
    const { state } = this.ends.relay;
    this.ends.relay = new Session(this.#options("relay"), structuredClone(state));
  }

  #deliver(role: Role): void {
    const message = this.#messages[role].shift();
    if (message === undefined) return;
    if (this.#random.once(4)) this.#deliverApart(role, message);
    else this.ends[role].receive(message);
    const sender = this.ends[role === "relay" ? "core" : "relay"];
    // The socket has room again.
    if (this.#congested) this.#turns.push(() => sender.flush());
  }

  /** How frames are batched is up to the sender: each alone means the same. */
  #deliverApart(role: Role, message: Uint8Array): void {
    const frames = decodeFrames(message);
    check(frames.ok, "a session sent what cannot be read");
    for (const frame of frames.value) this.ends[role].receive(encodeFrames([frame]));
  }

  #options(role: Role): SessionOptions {
    const outbox = this.#messages[role === "relay" ? "core" : "relay"];
    return {
      role,
      send: (message) => {
        check(message.byteLength <= LIMITS.maxMessageBytes, "a message that is too long");
        outbox.push(message);
      },
      bufferedBytes: () =>
        this.#congested ? outbox.reduce((sum, message) => sum + message.byteLength, 0) : 0,
      defer: (flush) => this.#turns.push(flush),
      now: () => this.#now,
      handlers: this.#handlers[role],
    };
  }
}
