import { CloseCode, legalCloseCode, legalCloseReason } from "../../shared/close-code.ts";
import { LIMITS } from "../../shared/limits.ts";
import { ResumeEnd } from "../../shared/resume/end.ts";
import { encodeRecord, RECORD_HEAD_BYTES, RecordType } from "../../shared/resume/record.ts";
import type { ClientSocket, Receipt, SocketListener } from "../tunnel/handlers.ts";
import { encodeKept, type Kept } from "./kept.ts";

const WINDOW = { messages: LIMITS.maxResumeMessages, bytes: LIMITS.maxResumeBytes };
const MAX_MESSAGE_BYTES = LIMITS.maxWebSocketMessageBytes - RECORD_HEAD_BYTES;
const NO_CODE = 1005;
const LOST = 1006;
const NOTHING = new Uint8Array();

export interface SessionOptions {
  /** Who it belongs to: nobody else may go on with it. */
  readonly owner: string;
  /** The app's subprotocol. */
  readonly protocol: string | undefined;
  /** The app can go on in another core. */
  readonly survives: boolean;
  /** It has lost its connection, and waits for the next. */
  onLost(): void;
  onOver(): void;
}

/**
 * A client as the app sees it: one socket, whatever becomes of the connections that carry it. See
 * protocol.md in shared/resume for what holds when which part dies.
 */
export class ResumeSession implements ClientSocket {
  readonly id: string;
  readonly owner: string;
  readonly protocol: string | undefined;
  readonly survives: boolean;
  readonly #options: SessionOptions;
  readonly #end: ResumeEnd<Receipt>;
  #socket: ClientSocket | undefined;
  #listener: SocketListener | undefined;
  /** Of the SYNC that we wait for; 0 after a greeting. */
  #awaited = 0;
  /** What the app kept in a core before this one. */
  readonly #inherited: string;
  /** What the app keeps, as far as what goes with it has been said. */
  #kept: string;
  #closing: { readonly code: number; readonly reason: string } | undefined;
  #over = false;
  /** Dealt with, and handed to us again all the same: said so with the state that goes with it. */
  #spent: Receipt[] = [];
  #waits = false;
  #drained: PromiseWithResolvers<void> | undefined;

  /** @param kept - Of a session that an earlier core had. */
  constructor(id: string, options: SessionOptions, kept?: Kept) {
    this.id = id;
    this.owner = options.owner;
    this.protocol = options.protocol;
    this.survives = options.survives;
    this.#options = options;
    this.#end = new ResumeEnd<Receipt>(WINDOW, kept?.history);
    this.#inherited = kept?.app ?? "";
    this.#kept = this.#inherited;
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** What it holds in memory for a client that is away. */
  get heldBytes(): number {
    return this.#end.bytes;
  }

  /** What it has said can be said again: not before the client has told what it has. */
  get mayResume(): boolean {
    return !this.#over && this.#end.mayResume;
  }

  /** The client's messages that need not be sent again, for a greeting: none whose answer may be lost. */
  get received(): number {
    return this.#end.history.received;
  }

  // The app's side.

  get bufferedBytes(): number {
    return this.#end.waitingBytes + (this.#socket?.bufferedBytes ?? 0);
  }

  listen(listener: SocketListener): void {
    this.#listener = listener;
  }

  send(message: string | Uint8Array): void {
    this.#say(message, undefined);
  }

  close(code: number, reason: string): void {
    if (this.#over || this.#closing !== undefined) return;
    if (code === CloseCode.restart) {
      // The one close that asks for a return: it ends the session, and not the client's socket.
      this.#socket?.close(code, reason);
      this.end(code, reason);
      return;
    }
    const legal = code === NO_CODE ? code : legalCloseCode(code);
    this.#closing = { code: legal, reason: legalCloseReason(reason) };
    this.#end.close(code, reason);
    this.#flush();
  }

  drained(): Promise<void> | undefined {
    if (this.#over) return undefined;
    if (this.#end.waitingBytes === 0) return this.#socket?.drained();
    this.#drained ??= Promise.withResolvers<void>();
    return this.#drained.promise;
  }

  keep(state: string): void {
    if (this.#over || !this.survives) return;
    this.#end.keep(state);
    this.#flush();
  }

  // The connection's side.

  /**
   * From now on `socket` carries it. Nothing is said before the client has told what it has.
   *
   * @param awaited - 0: it will say so by itself, after its greeting. Else it is asked to.
   */
  attach(socket: ClientSocket, awaited: number): void {
    const former = this.#socket;
    this.#socket = socket;
    this.#awaited = awaited;
    this.#end.pause();
    if (former !== undefined) former.close(CloseCode.replaced, "taken over by a newer connection");
    this.#spent = [];
    if (awaited === 0) {
      this.#keepAnew(socket);
      return;
    }
    // What the relay keeps goes with what it holds, until we know what has arrived.
    const ask = { type: RecordType.sync, number: awaited, received: 0, payload: NOTHING };
    socket.send(encodeRecord(ask));
  }

  /** The client greets again and tells what has arrived. @returns False when that cannot be. */
  acknowledge(received: number): boolean {
    const spent = this.#end.acknowledge(received);
    for (const receipt of spent ?? []) receipt.done();
    return spent !== undefined;
  }

  /** A client that has only now begun: there is nothing it could tell. `end`: of its greeting. */
  begin(end: Receipt): void {
    this.#end.restart();
    this.#flush();
    this.#doneAfterwards(end);
  }

  /** A record. */
  receive(bytes: Uint8Array, receipt: Receipt): void {
    if (this.#over) {
      receipt.done();
      return;
    }
    const received = this.#end.receive(bytes, receipt);
    if (!received.ok) {
      receipt.done();
      this.#restart(received.error.reason);
      return;
    }
    const incoming = received.value;
    switch (incoming.kind) {
      case "message":
        this.#deliver(incoming.number, incoming.message);
        break;
      case "close":
        receipt.done();
        this.#socket?.close(incoming.code, incoming.reason);
        this.end(incoming.code, incoming.reason);
        return;
      case "sync":
        this.#synchronise(incoming);
        this.#doneAfterwards(receipt);
        break;
      case "nothing":
        if (incoming.kept) break;
        if (this.#end.isLive || this.#awaited === 0) receipt.done();
        else this.#spent.push(receipt);
    }
    this.#flush();
  }

  /** `socket` is gone. */
  lost(socket: ClientSocket, code: number): void {
    if (socket !== this.#socket || this.#over) return;
    const isSaid = this.#closing !== undefined && this.#end.isLive && this.#end.waitingBytes === 0;
    this.#socket = undefined;
    this.#end.pause();
    if (this.#closing !== undefined && isSaid && code !== LOST) {
      this.end(this.#closing.code, this.#closing.reason);
    } else {
      this.#options.onLost();
    }
  }

  /** There will be no more connections. */
  end(code: number, reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket = undefined;
    this.#end.pause();
    this.#resolveDrained();
    this.#options.onOver();
    this.#listener?.onClose(code, reason);
  }

  #deliver(number: number, message: string | Uint8Array): void {
    let used = false;
    const use = (how: () => void): void => {
      if (used || this.#over) return;
      used = true;
      how();
    };
    this.#listener?.onMessage(message, {
      answer: (answer) => {
        if (used) this.send(answer);
        else use(() => this.#say(answer, number));
      },
      done: () =>
        use(() => {
          this.#end.done(number);
          this.#flush();
        }),
    });
  }

  #say(message: string | Uint8Array, answers: number | undefined): void {
    if (this.#over) return;
    if (this.#closing !== undefined) {
      // Nothing follows a close; what it answers is dealt with all the same.
      if (answers !== undefined) this.#end.done(answers);
    } else {
      this.#end.send(message, answers);
    }
    this.#flush();
    if (this.#isTooMuch(message)) this.#giveUp();
  }

  #isTooMuch(message: string | Uint8Array): boolean {
    if (this.#end.waitingBytes > LIMITS.maxResumeQueueBytes + LIMITS.maxWebSocketMessageBytes)
      return true;
    return message.length > MAX_MESSAGE_BYTES / 4 && Buffer.byteLength(message) > MAX_MESSAGE_BYTES;
  }

  #giveUp(): void {
    this.#socket?.close(CloseCode.tryLater, "slow consumer");
    this.end(CloseCode.tryLater, "too much is waiting");
  }

  #synchronise(sync: Parameters<ResumeEnd<Receipt>["synchronise"]>[0]): void {
    // One that another core asked for tells what was then.
    if (this.#end.isLive || sync.number !== this.#awaited) return;
    const spent = this.#end.synchronise(sync);
    if (!spent.ok) {
      this.#restart(spent.error.reason);
      return;
    }
    if (this.#socket !== undefined && this.#awaited !== 0) this.#keepAnew(this.#socket);
    for (const receipt of [...spent.value, ...this.#spent.splice(0)]) receipt.done();
  }

  /** The end of a greeting must not be forgotten before our answer to it has left. */
  #doneAfterwards(receipt: Receipt): void {
    const left = this.#socket?.drained();
    if (left === undefined) receipt.done();
    else void left.finally(() => receipt.done());
  }

  /** Something is missing on this connection; on the next one it is said again. */
  #restart(reason: string): void {
    this.#socket?.close(CloseCode.restart, reason);
  }

  #flush(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    while (socket === this.#socket && !this.#mustWait(socket)) {
      const next = this.#end.next();
      if (next === undefined) break;
      if (next.kind === "state") this.#keepNow(socket, next.state);
      else if (next.kind === "done") next.receipt.done();
      else if (next.receipt === undefined) socket.send(next.bytes);
      else next.receipt.answer(next.bytes);
    }
    if (this.#end.waitingBytes > 0 || !this.#end.isLive) return;
    if (this.#closing !== undefined) socket.close(this.#closing.code, this.#closing.reason);
    this.#resolveDrained();
  }

  /** What is kept goes ahead of what waits to be sent: it must not tell of what was not said. */
  #mustWait(socket: ClientSocket): boolean {
    if (this.#waits) return true;
    const left = this.#end.nextIsState ? socket.drained() : undefined;
    if (left === undefined) return false;
    this.#waits = true;
    void this.#flushAfter(left);
    return true;
  }

  async #flushAfter(left: Promise<void>): Promise<void> {
    await left;
    this.#waits = false;
    this.#flush();
  }

  /** The connection before may have taken more than has arrived. */
  #keepAnew(socket: ClientSocket): void {
    this.#kept = this.#end.state ?? this.#inherited;
    socket.keep(this.#line());
  }

  #keepNow(socket: ClientSocket, state: string): void {
    if (state === this.#kept) return;
    this.#kept = state;
    socket.keep(this.#line());
  }

  #line(): string {
    const app = this.survives ? this.#kept : undefined;
    return encodeKept({ id: this.id, history: this.#end.history, app });
  }

  #resolveDrained(): void {
    const drained = this.#drained;
    this.#drained = undefined;
    drained?.resolve();
  }
}
