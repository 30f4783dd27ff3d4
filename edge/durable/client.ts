import { CloseCode, legalCloseCode, legalCloseReason } from "../../shared/close-code.ts";
import { LIMITS } from "../../shared/limits.ts";
import { toBase64Url, utf8 } from "../../shared/bytes.ts";
import type { Fields } from "../../shared/tunnel/fields.ts";
import { ResetCode } from "../../shared/tunnel/frame.ts";
import type { Stream } from "../../shared/tunnel/stream.ts";
import { receiptOf, type StreamEvent } from "../../shared/tunnel/stream-event.ts";
import { type ClientAttachment, GONE } from "./attachment.ts";
import type { Keeper, Kept } from "./keeper.ts";
import { bufferedBytes } from "./core-link.ts";
import { type Behind, Outflow } from "./outflow.ts";

type Message = string | Uint8Array;

export interface ClientHost {
  /** Bytes of messages that wait for a core, of all clients together. */
  readonly budget: { held: number };
  readonly behind: Behind;
  readonly keeper: Keeper;
  /** Its core is gone and it survives that: it wants another. */
  onOrphan(client: Client): void;
  /** Closed, from either side. */
  onGone(client: Client): void;
}

/** After these the core is another, or will be: a client that survives waits for it. */
export const MOVES: ReadonlySet<number> = new Set([
  ResetCode.lost,
  ResetCode.draining,
  ResetCode.notLeader,
  ResetCode.refused,
]);

/**
 * One client's WebSocket. It ends here, hibernated, and is one stream of the tunnel: of the core
 * that accepted it and, if it survives that, of the cores after it (protocol.md, section 10.1).
 * While nothing waits, nothing is kept in memory that the attachment does not hold too.
 */
export class Client implements Kept {
  readonly socket: WebSocket;
  /** By which a core was asked to take it up, and has not answered. */
  asked: Stream | undefined;
  readonly #host: ClientHost;
  readonly #outflow: Outflow;
  #attachment: ClientAttachment;
  #stream: Stream | undefined;
  /** What no core has said to be done with, by receipt, in order. */
  #held = new Map<number, { readonly message: Message; readonly bytes: number }>();
  #heldBytes = 0;
  #settled: PromiseWithResolvers<void> | undefined;
  /** Messages sent on this stream. */
  #count: number;
  #gone = false;

  constructor(socket: WebSocket, attachment: ClientAttachment, host: ClientHost) {
    this.socket = socket;
    this.#attachment = attachment;
    this.#count = attachment.count;
    this.#host = host;
    this.#outflow = new Outflow(
      () => bufferedBytes(socket),
      host.behind,
      () => this.close(CloseCode.tryLater, "slow consumer"),
    );
  }

  /** Of the core that has it; empty while it waits for one. */
  get link(): string {
    return this.#attachment.link;
  }

  /** Of the credential that let it in. */
  get digest(): string | undefined {
    return this.#attachment.digest;
  }

  get orphanedAt(): number | undefined {
    return this.#attachment.orphanedAt;
  }

  get survives(): boolean {
    return this.#attachment.meta !== undefined;
  }

  get wantsCore(): boolean {
    return this.link === "" && this.asked === undefined && !this.#gone;
  }

  get stream(): Stream | undefined {
    return this.#stream;
  }

  /** Head of the stream that hands it to the next core. */
  get attachFields(): Fields {
    const { meta = [], state } = this.#attachment;
    const left: Fields = state === undefined ? [] : [[":state", toBase64Url(utf8(state))]];
    return [[":attach", "1"], ...left, ...meta];
  }

  /** Goes on with the stream it had before the relay slept. */
  resume(stream: Stream): void {
    this.#stream = stream;
    stream.listen((event) => this.#onEvent(stream, event));
    if (!this.#attachment.stream.partial) return;
    // The first half of a message was lost with our memory: better no socket than half a message.
    stream.abort(ResetCode.flow, "slept within a message");
  }

  /**
   * A core has taken it up: what nobody was done with goes to that one, in order.
   *
   * @param survives - That core will say what it is done with, for the core after it.
   */
  attach(stream: Stream, link: string, survives: boolean): void {
    this.#stream = stream;
    const { orphanedAt: _over, meta, ...rest } = this.#attachment;
    const kept = survives && meta !== undefined ? { meta } : {};
    this.#attachment = { ...rest, ...kept, link, stream: stream.state };
    this.#count = 0;
    stream.listen((event) => this.#onEvent(stream, event));
    const waiting = [...this.#held.values()];
    this.#held = new Map();
    this.#heldBytes = 0;
    for (const { message, bytes } of waiting) {
      this.#host.budget.held -= bytes;
      this.#send(message, bytes);
    }
    this.changed();
    if (this.#held.size > 0) return;
    const sending = stream.drained() ?? Promise.resolve();
    void sending.then(() => this.#settle());
  }

  /** Its core is gone. */
  orphan(now: number): void {
    if (this.#gone || this.link === "") return;
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream !== undefined && !stream.over) stream.reset(ResetCode.cancel, "moved");
    if (!this.survives) {
      this.close(CloseCode.restart, "the core was lost");
      return;
    }
    this.#attachment = { ...this.#attachment, link: "", orphanedAt: now };
    this.changed();
    this.#host.onOrphan(this);
  }

  /**
   * A message of the client. Settles once it need not be kept any longer: on its way, for a client
   * that dies with its core; dealt with, for one that survives it. Until then the relay must not
   * sleep.
   */
  async receive(message: string | ArrayBuffer): Promise<void> {
    const bytes = typeof message === "string" ? utf8Length(message) : message.byteLength;
    if (bytes > LIMITS.maxWebSocketMessageBytes) {
      this.#cut(
        ResetCode.tooLarge,
        CloseCode.tooBig,
        `at most ${LIMITS.maxWebSocketMessageBytes} bytes`,
      );
      return;
    }
    if (this.#isFull()) {
      this.#cut(ResetCode.flow, CloseCode.tryLater, "too much is waiting for the core");
      return;
    }
    this.#send(typeof message === "string" ? message : new Uint8Array(message), bytes);
    await (this.survives ? this.#done() : this.#sent(bytes));
  }

  /**
   * The client closed: the runtime does not answer for us (and must not be sent 1005 or 1006).
   * Settles once its core has been told all it said.
   */
  async closed(code: number, reason: string): Promise<void> {
    const stream = this.#stream;
    this.#end(code, reason);
    stream?.sendClose(code === 1005 ? 0 : code, legalCloseReason(reason));
    await stream?.drained();
  }

  /** Ends it from our side: its core hears that nobody is there any more. */
  close(code: number, reason: string): void {
    this.#end(code, reason);
    this.#stream?.reset(ResetCode.cancel, reason);
  }

  /** What a sleep would lose is another now. */
  changed(): void {
    if (!this.#gone) this.#host.keeper.mark(this);
  }

  persist(): void {
    if (this.#gone) return;
    const stream = this.#stream?.state ?? this.#attachment.stream;
    this.#attachment = { ...this.#attachment, stream, count: this.#count };
    this.socket.serializeAttachment(this.#attachment);
  }

  #end(code: number, reason: string): void {
    if (this.#gone) return;
    this.#gone = true;
    this.asked?.reset(ResetCode.cancel, "the client is gone");
    this.asked = undefined;
    this.#forgetHeld();
    this.#outflow.stop();
    try {
      this.socket.serializeAttachment(GONE);
      if (code === 0 || code === 1005) this.socket.close();
      else this.socket.close(legalCloseCode(code), legalCloseReason(reason));
    } catch {
      // Closed already: what we wanted.
    }
    this.#host.onGone(this);
  }

  #send(message: Message, bytes: number): void {
    this.#count += 1;
    if (this.survives) {
      this.#held.set(receiptOf(this.#count), { message, bytes });
      this.#heldBytes += bytes;
      this.#host.budget.held += bytes;
    }
    this.#stream?.sendMessage(message);
  }

  #isFull(): boolean {
    const { maxWebSocketQueueBytes, maxWebSocketQueueMessages, maxHeldBytes } = LIMITS;
    const waiting = Math.max(this.#heldBytes, this.#stream?.queuedBytes ?? 0);
    return (
      waiting > maxWebSocketQueueBytes ||
      this.#held.size >= maxWebSocketQueueMessages ||
      // Its core is done with 65,535 others, and not with the one that has this name.
      this.#held.has(receiptOf(this.#count + 1)) ||
      this.#host.budget.held > maxHeldBytes
    );
  }

  async #sent(bytes: number): Promise<void> {
    const sending = this.#stream?.drained();
    if (sending === undefined) return;
    this.#host.budget.held += bytes;
    await sending;
    this.#host.budget.held -= bytes;
  }

  #done(): Promise<void> | undefined {
    if (this.#held.size === 0) return undefined;
    this.#settled ??= Promise.withResolvers();
    return this.#settled.promise;
  }

  #cut(reset: ResetCode, code: number, reason: string): void {
    this.#stream?.reset(reset, reason);
    this.close(code, reason);
  }

  #onEvent(stream: Stream, event: StreamEvent): void {
    if (stream !== this.#stream) return;
    switch (event.type) {
      case "message":
        this.#outflow.push(
          () => this.#deliver(event.message),
          () => stream.consume(event.bytes),
        );
        if (event.answers !== 0) this.#taken(event.answers);
        return;
      case "taken":
        this.#taken(event.receipt);
        return;
      case "state":
        this.#attachment = { ...this.#attachment, state: event.state };
        this.changed();
        return;
      case "close":
        this.#end(event.code, event.reason);
        // Answered, so that the stream ends on both sides.
        stream.sendClose(event.code, event.reason);
        return;
      case "reset":
        if (MOVES.has(event.code)) this.orphan(Date.now());
        else this.close(CloseCode.internal, "the core gave up on the socket");
        return;
      case "data":
      case "end":
        this.#cut(ResetCode.protocol, CloseCode.internal, "the core broke the protocol");
        return;
      default:
    }
  }

  #deliver(message: Message): void {
    try {
      this.socket.send(message);
    } catch {
      // Closing on the client's side: `webSocketClose` follows and tells the core.
    }
  }

  #taken(receipt: number): void {
    const held = this.#held.get(receipt);
    if (held === undefined) return;
    this.#held.delete(receipt);
    this.#heldBytes -= held.bytes;
    this.#host.budget.held -= held.bytes;
    if (this.#held.size === 0) this.#settle();
  }

  #forgetHeld(): void {
    this.#host.budget.held -= this.#heldBytes;
    this.#heldBytes = 0;
    this.#held.clear();
    this.#settle();
  }

  #settle(): void {
    this.#settled?.resolve();
    this.#settled = undefined;
  }
}

/** At most three bytes a UTF-16 unit; exact only when that could matter. */
function utf8Length(text: string): number {
  const most = 3 * text.length;
  return most <= LIMITS.maxWebSocketMessageBytes ? text.length : utf8(text).byteLength;
}
