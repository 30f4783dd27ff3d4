import { LIMITS } from "../../shared/limits.ts";
import { encodeFields, type Fields } from "../../shared/tunnel/fields.ts";
import { FrameType, NackCode, ResetCode, type StreamKind } from "../../shared/tunnel/frame.ts";
import type { Stream } from "../../shared/tunnel/stream.ts";
import type { StreamEvent } from "../../shared/tunnel/stream-event.ts";
import type { Random } from "../support/random.ts";
import { check } from "./check.ts";
import type { Flow } from "./flow.ts";
import type { Role } from "./link.ts";

export interface EndOptions {
  readonly number: number;
  readonly kind: StreamKind;
  readonly role: Role;
  readonly opener: boolean;
  readonly out: Flow;
  readonly into: Flow;
  /** The acceptor of a WebSocket says no, with a body. */
  readonly refuses: boolean;
  /** Reads as it comes, or now and then. */
  readonly eager: boolean;
}

/** One side of one stream: does what an application might do, and checks what it hears. */
export class End {
  readonly options: EndOptions;
  stream: Stream | undefined;
  /** Nothing may be heard of it any more. */
  finished = false;
  resetCode: number | undefined;
  answers = 0;
  unread = 0;
  #gotHead = false;
  #sentHead = false;
  #stopped = false;

  constructor(options: EndOptions) {
    this.options = options;
  }

  attach(stream: Stream): void {
    this.stream = stream;
    stream.listen((event) => this.#hear(event));
  }

  /** A socket in use: messages, not bytes. */
  get #talks(): boolean {
    return this.options.kind === "websocket" && !this.options.refuses;
  }

  /** Whether a relay may sleep through it. */
  get restful(): boolean {
    const { stream, options } = this;
    if (stream === undefined || stream.over || this.finished) return this.unread === 0;
    if (options.kind === "http" || options.refuses || stream.queued) return false;
    return options.kind === "delivery"
      ? options.out.ended
      : !options.out.ended && !options.into.gotEnd;
  }

  /** One thing an application might do now. */
  act(random: Random, size: number): void {
    if (this.stream === undefined || this.finished) return;
    this.#greet(random);
    const what = random.below(24);
    if (what === 0) this.#cut(random);
    else if (what < 3) this.#finishWriting(random);
    else if (what < 10) this.#read(random.between(0, this.unread));
    else if (!this.options.out.ended) this.#write(random, size);
  }

  /** Says and reads all that is left. */
  finish(random: Random): void {
    this.#read(this.unread);
    if (this.stream === undefined || this.finished) return;
    this.#greet(random);
    this.#finishWriting(random);
  }

  #write(random: Random, size: number): void {
    const { kind, opener, refuses, out } = this.options;
    if (this.#talks) this.stream?.sendMessage(out.nextMessage(random, size));
    else if (opener ? !refuses : kind !== "delivery") this.stream?.write(out.nextBytes(size));
  }

  #finishWriting(random: Random): void {
    const { kind, opener, out, refuses } = this.options;
    if (kind === "delivery" && !opener) {
      this.#answer(random);
    } else if (!out.ended && this.#talks) {
      const [code, reason] = random.pick([
        [0, ""],
        [1000, "done"],
        [4000, "a reason of some length, to be counted or not"],
      ] as const);
      out.closeWith(code, reason);
      this.stream?.sendClose(code, reason);
    } else if (!out.ended && !(opener && refuses)) {
      out.ended = true;
      this.stream?.end();
    }
  }

  #answer(random: Random): void {
    const { number, into } = this.options;
    const [type, code] = random.once(3)
      ? ([FrameType.nack, NackCode.later] as const)
      : ([FrameType.ack, 0] as const);
    // It may be refused at any time, but is committed only when it is there.
    if (type === FrameType.ack && (!into.gotEnd || this.unread > 0)) return;
    this.stream?.answer(type, headOf([[":id", String(number)]]), code);
    this.#over();
  }

  #greet(random: Random): void {
    if (this.options.opener || this.options.kind === "delivery" || this.#sentHead) return;
    this.#sentHead = true;
    const status = this.#talks ? "101" : "200";
    this.stream?.sendHead(headOf([[":status", status], padding(random)]));
  }

  #cut(random: Random): void {
    const { kind, into, out } = this.options;
    if (random.once(2) && kind === "http") {
      this.#stopped = true;
      into.cut = true;
      this.unread = 0;
      this.stream?.stop();
    } else {
      this.stream?.reset(random.pick([ResetCode.cancel, ResetCode.coreError]), "why not");
      out.cut = true;
      this.#over();
    }
  }

  #read(bytes: number): void {
    if (bytes === 0) return;
    this.unread -= bytes;
    this.stream?.consume(bytes);
  }

  #hear(event: StreamEvent): void {
    check(!this.finished, `${event.type} on a stream that is finished`);
    if (event.type === "head") this.#hearHead();
    else if (event.type === "ack" || event.type === "nack") this.#hearAnswer(event.type);
    else if (event.type === "reset" || event.type === "stop") this.#hearCut(event);
    else if (event.type === "taken" || event.type === "state") check(false, "nobody said that");
    else this.#hearContent(event);
  }

  #hearHead(): void {
    const { opener, into } = this.options;
    check(opener && !this.#gotHead && into.read === 0, "a head out of place");
    this.#gotHead = true;
  }

  #hearContent(event: Extract<StreamEvent, { type: "data" | "end" | "message" | "close" }>): void {
    const { into, opener, eager, refuses } = this.options;
    // An answer that is stopped before it has begun ends without a head.
    check(!opener || this.#gotHead || this.#stopped, "content before the head");
    switch (event.type) {
      case "data":
        check(!this.#stopped, "data for a reader that has stopped");
        into.took(event.bytes);
        this.unread += event.bytes.byteLength;
        if (eager) this.#read(event.bytes.byteLength);
        return;
      case "end":
        into.tookEnd();
        if (refuses && opener) this.#endRefused();
        return;
      case "message":
        into.tookMessage(event.message);
        this.unread += event.bytes;
        if (eager) this.#read(event.bytes);
        return;
      case "close":
        into.tookClose(event.code, event.reason);
        return;
    }
  }

  #hearAnswer(type: "ack" | "nack"): void {
    const { opener, kind, out } = this.options;
    check(opener && kind === "delivery", "an answer out of place");
    if (type === "nack") out.cut = true;
    this.answers += 1;
    this.finished = true;
  }

  #hearCut(event: Extract<StreamEvent, { type: "stop" | "reset" }>): void {
    this.options.out.cut = true;
    if (event.type === "reset") {
      this.resetCode = event.code;
      this.#over();
    } else {
      // The stream itself has said that nothing follows.
      this.options.out.ended = true;
    }
  }

  /** The client has its refusal: that was all there was to this socket. */
  #endRefused(): void {
    this.#read(this.unread);
    this.stream?.reset(ResetCode.noError);
    this.finished = true;
  }

  #over(): void {
    this.finished = true;
    this.unread = 0;
    this.options.into.cut = true;
  }
}

/** Makes a head long now and then: a few such do not fit one message. */
export function padding(random: Random): readonly [string, string] {
  return ["x", "-".repeat(random.once(8) ? random.below(LIMITS.maxHeadBytes - 1_000) : 0)];
}

function headOf(fields: Fields): Uint8Array {
  const head = encodeFields(fields);
  check(head.ok, "a head that cannot be sent");
  return head.value;
}
