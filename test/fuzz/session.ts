/**
 * Two sessions in conversation: streams of all kinds, opened, filled, read, ended, stopped and cut
 * at random, on a path that delivers when it likes, with a relay that sleeps in between. Whatever
 * happens, bytes arrive as they were sent, nothing twice, and in the end nothing is left behind.
 */
import { LIMITS } from "../../shared/limits.ts";
import { type Fields, fieldOf } from "../../shared/tunnel/fields.ts";
import { GoAwayCode, ResetCode, type StreamKind } from "../../shared/tunnel/frame.ts";
import type { SessionHandlers } from "../../shared/tunnel/session-handlers.ts";
import type { Stream } from "../../shared/tunnel/stream.ts";
import type { StreamState } from "../../shared/tunnel/stream-event.ts";
import type { Random } from "../support/random.ts";
import { check, checkEqual } from "./check.ts";
import { End, padding } from "./end.ts";
import { Flow } from "./flow.ts";
import { Link, type Role } from "./link.ts";

interface Pairing {
  readonly opener: End;
  readonly acceptor: End;
}

export function runSessionCase(random: Random): void {
  const conversation = new Conversation(random);
  conversation.talk();
  conversation.finish();
}

class Conversation {
  readonly #random: Random;
  readonly #link: Link;
  readonly #pairings: Pairing[] = [];
  /** WebSockets of a relay that slept, until somebody asks for them. */
  readonly #asleep = new Map<number, { readonly state: StreamState; readonly end: End }>();
  readonly #heard: Record<Role, { goAways: number; drained: number }> = {
    relay: { goAways: 0, drained: 0 },
    core: { goAways: 0, drained: 0 },
  };
  readonly #sentGoAway: Record<Role, boolean> = { relay: false, core: false };
  /** Many streams with long bodies and slow readers: the connection's own credit runs out. */
  readonly #heavy: boolean;

  constructor(random: Random) {
    this.#random = random;
    this.#heavy = random.once(40);
    this.#link = new Link(random, {
      relay: this.#handlers("relay"),
      core: this.#handlers("core"),
    });
    this.#link.ends.core.hello([]);
    this.#link.settle();
    check(this.#link.ends.core.ready && this.#link.ends.relay.ready, "the greeting failed");
  }

  /** Random things in random order. */
  talk(): void {
    const random = this.#random;
    const most = this.#heavy ? 120 : random.between(1, 24);
    for (let left = this.#heavy ? 3_000 : random.between(20, 600); left > 0; left -= 1) {
      const what = random.below(40);
      if (what < 6 && this.#pairings.length < most) this.#open();
      else if (what < 18 && this.#pairings.length > 0) this.#act();
      else if (what === 18 && random.once(4)) this.#trySleep();
      else if (what === 19 && random.once(12)) this.#goAway(random.pick(["relay", "core"]));
      else this.#link.step();
    }
  }

  /** Everybody says what is left to say and reads what is left to read; then all must be done. */
  finish(): void {
    for (let rounds = 0; ; rounds += 1) {
      check(rounds < 1_000, "credit has run out for good");
      for (const end of this.#ends()) {
        this.#wake(end);
        end.finish(this.#random);
      }
      this.#link.settle();
      if (this.#ends().every((end) => end.unread === 0) && this.#allOver()) break;
    }
    this.#checkNothingLeft();
  }

  #open(): void {
    const random = this.#random;
    const role: Role = random.once(5) ? "core" : "relay";
    const kind: StreamKind =
      role === "core" ? "http" : random.pick(["http", "http", "websocket", "delivery"] as const);
    const number = this.#pairings.length;
    const [up, down] = [new Flow(2 * number + 1), new Flow(2 * number + 2)];
    const refuses = kind === "websocket" && random.once(5);
    const fields: Fields = [[":number", String(number)], padding(random)];
    const bodyless = kind !== "websocket" && random.once(4);
    const stream = this.#link.ends[role].openStream(kind, fields, bodyless);
    if (stream === undefined) {
      check(this.#heard[role].goAways > 0, "a stream was not opened for no reason");
      return;
    }
    // What never flows is not missed.
    if (refuses) up.cut = true;
    if (kind === "delivery") down.cut = true;
    up.ended = bodyless;
    const shared = { number, kind, refuses };
    const eager = (): boolean => !this.#heavy && random.once(2);
    const far: Role = role === "relay" ? "core" : "relay";
    const opener = new End({ ...shared, role, opener: true, out: up, into: down, eager: eager() });
    const acceptor = new End({
      ...shared,
      role: far,
      opener: false,
      out: down,
      into: up,
      eager: eager(),
    });
    this.#pairings.push({ opener, acceptor });
    opener.attach(stream);
  }

  #act(): void {
    const random = this.#random;
    const end = random.pick(this.#ends());
    this.#wake(end);
    const size = this.#heavy || random.once(12) ? random.below(400_000) : random.size(30_000);
    end.act(random, size);
  }

  #goAway(role: Role): void {
    this.#sentGoAway[role] = true;
    this.#link.ends[role].goAway(GoAwayCode.shutdown, "bye");
  }

  /** A relay sleeps when nothing it would forget is under way. */
  #trySleep(): void {
    this.#link.settle();
    const relays = this.#ends().filter((end) => end.options.role === "relay");
    if (!relays.every((end) => end.restful)) return;
    for (const end of relays) {
      const { stream } = end;
      if (stream === undefined || stream.over || end.finished) continue;
      end.stream = undefined;
      // A delivery is forgotten: its answer comes late. A socket is taken up again when needed.
      if (end.options.kind === "delivery") end.finished = true;
      else this.#asleep.set(stream.id, { state: structuredClone(stream.state), end });
    }
    this.#link.sleep();
  }

  #wake(end: End): void {
    for (const [id, sleeper] of this.#asleep) if (sleeper.end === end) this.#resume(id);
  }

  #resume(id: number): Stream | undefined {
    const sleeper = this.#asleep.get(id);
    if (sleeper === undefined) return undefined;
    this.#asleep.delete(id);
    const stream = this.#link.ends.relay.resume(sleeper.state);
    sleeper.end.attach(stream);
    return stream;
  }

  #handlers(role: Role): SessionHandlers {
    return {
      onHello: () => this.#link.ends.relay.welcome([]),
      onWelcome: () => undefined,
      onOpen: (stream, fields) => this.#accept(role, stream, fields),
      onLateAnswer: (_answer, _code, fields) => this.#onLateAnswer(fields),
      onUnknownStream: (id) => (role === "relay" ? this.#resume(id) : undefined),
      onSocketChange: () => undefined,
      onGoAway: () => {
        this.#heard[role].goAways += 1;
      },
      onDrained: () => {
        this.#heard[role].drained += 1;
      },
      onFatal: (reason) => check(false, `${role}: ${reason}`),
    };
  }

  #accept(role: Role, stream: Stream, fields: Fields): void {
    const acceptor = this.#pairings[Number(fieldOf(fields, ":number"))]?.acceptor;
    check(acceptor?.options.kind === stream.kind, "a stream that nobody opened");
    check(acceptor.options.role === role && acceptor.stream === undefined, "opened twice");
    check(this.#heard[role].drained === 0, "opened after DRAINED");
    acceptor.attach(stream);
  }

  #onLateAnswer(fields: Fields): void {
    const opener = this.#pairings[Number(fieldOf(fields, ":id"))]?.opener;
    check(opener?.finished === true && opener.answers === 0, "a late answer to nothing");
    opener.answers += 1;
  }

  #ends(): End[] {
    return this.#pairings.flatMap(({ opener, acceptor }) => [opener, acceptor]);
  }

  #allOver(): boolean {
    return this.#ends().every(({ stream, finished }) => finished || (stream?.over ?? true));
  }

  #checkNothingLeft(): void {
    const { relay, core } = this.#link.ends;
    for (const { opener, acceptor } of this.#pairings) {
      if (acceptor.stream === undefined) {
        check(opener.finished, "a stream that was lost");
        continue;
      }
      check(opener.resetCode !== ResetCode.refused, "refused, and yet executed");
      opener.options.out.checkComplete();
      acceptor.options.out.checkComplete();
    }
    checkEqual([relay.busy, core.busy], [0, 0], "busy");
    checkEqual([relay.bufferedBytes, core.bufferedBytes], [0, 0], "buffered");
    const [ours, theirs] = [relay.state, core.state];
    checkEqual(
      [theirs.receive.received, theirs.receive.consumed, ours.receive.received],
      [ours.sent, ours.sent, theirs.sent],
      "credit of the connection",
    );
    check(ours.receive.consumed === theirs.sent, "credit the relay has not given back");
    check(theirs.receive.limit === ours.sendLimit, "a grant that was lost");
    check(ours.receive.limit === theirs.sendLimit, "a grant that was lost");
    check(ours.sendLimit - ours.sent >= LIMITS.connectionWindowBytes / 2, "a window that shrank");
    for (const role of ["relay", "core"] as const) {
      const far = role === "relay" ? "core" : "relay";
      const expected = this.#sentGoAway[role] ? 1 : 0;
      check(this.#heard[far].goAways === expected, "GOAWAY was not heard once");
      check(this.#heard[role].drained === expected, "DRAINED was not heard once");
    }
  }
}
