import { CloseCode } from "../../shared/close-code.ts";
import { LIMITS } from "../../shared/limits.ts";
import { type Hello, readHello } from "../../shared/resume/greeting.ts";
import { decodeRecord, RecordType } from "../../shared/resume/record.ts";
import type { ClientSocket, Receipt, SocketListener, Upgrade } from "../tunnel/handlers.ts";
import type { Kept } from "./kept.ts";
import type { ResumeSession } from "./session.ts";
import type { ResumeSessions } from "./sessions.ts";

export type Accepted = Extract<Upgrade, { readonly accepted: true }>;

const NOTHING_TO_SAY: Receipt = { answer: () => undefined, done: () => undefined };

export interface LinkParts {
  readonly sessions: ResumeSessions;
  /** Who the client is. */
  readonly owner: string;
  /** Asks the app for a client that is new, or that nobody knows any more. */
  ask(protocols: readonly string[]): Promise<Upgrade>;
}

/**
 * One connection of a client: greets, finds or makes the session, and hands on its records.
 *
 * - `new`: it has not greeted.
 * - `beginning`: it has, and nothing is known of it. The app is asked, and what came with the
 *   greeting is dropped: it belongs to a session that is no more.
 * - `joined`: it carries a session.
 */
export class Link implements SocketListener {
  readonly #socket: ClientSocket;
  readonly #parts: LinkParts;
  #state: "new" | "beginning" | "joined" | "over" = "new";
  #session: ResumeSession | undefined;
  /** The app's, from before the greeting. */
  #prepared: Accepted | undefined;
  /** Resolves with the end of what comes with a greeting. */
  readonly #greetingEnd = Promise.withResolvers<Receipt>();
  readonly #stopTimer: () => void;

  /** @param prepared - The app's answer, where it was asked before the client got its 101. */
  constructor(socket: ClientSocket, parts: LinkParts, prepared?: Accepted) {
    this.#socket = socket;
    this.#parts = parts;
    this.#prepared = prepared;
    this.#stopTimer = parts.sessions.delay(() => this.#late(), LIMITS.helloTimeoutMs);
  }

  /** Carries a session that an earlier connection of the same client to the relay had. */
  join(session: ResumeSession): void {
    if (session.isOver) {
      this.#socket.close(CloseCode.restart, "the session is over");
      return;
    }
    this.#join(session);
    this.#parts.sessions.found(session);
    session.attach(this.#socket, randomNumber());
  }

  onMessage(message: string | Uint8Array, receipt: Receipt): void {
    if (this.#state === "over") receipt.done();
    else if (typeof message === "string") this.#greeted(message, receipt);
    else if (this.#state === "joined") this.#session?.receive(message, receipt);
    else this.#drop(message, receipt);
  }

  onClose(code: number): void {
    const session = this.#session;
    this.#state = "over";
    this.#session = undefined;
    this.#stopTimer();
    this.#greetingEnd.resolve(NOTHING_TO_SAY);
    this.#discardPrepared();
    session?.lost(this.#socket, code);
  }

  #late(): void {
    if (this.#state !== "joined") this.#socket.close(CloseCode.policy, "no greeting");
  }

  #greeted(text: string, receipt: Receipt): void {
    const hello = readHello(text);
    // Another one comes from a relay that hands it to us again.
    if (!hello.ok || this.#state === "beginning") {
      receipt.done();
      this.#socket.close(CloseCode.protocolError, "malformed greeting");
      return;
    }
    const { resume, received } = hello.value;
    const { sessions, owner } = this.#parts;
    const known = resume === null ? undefined : sessions.find(resume, owner);
    if (known?.mayResume === true && known.acknowledge(received)) {
      this.#discardPrepared();
      this.#resume(known, receipt);
    } else {
      this.#state = "beginning";
      void this.#begin(hello.value, receipt);
    }
  }

  #resume(session: ResumeSession, receipt: Receipt): void {
    if (this.#session !== session) this.#leave();
    this.#join(session);
    this.#parts.sessions.found(session);
    session.attach(this.#socket, 0);
    this.#welcome(session, receipt, false);
  }

  async #begin({ protocols }: Hello, receipt: Receipt): Promise<void> {
    // Another core began it, and died before the client heard of that.
    this.#leave();
    const upgrade = this.#prepared ?? (await this.#ask(protocols));
    this.#prepared = undefined;
    if (!upgrade.accepted) {
      receipt.done();
      this.#socket.close(closeCodeOf(upgrade.response.status), "refused");
      return;
    }
    // Before that, what was sent to the former session could be taken for the new one's.
    const end = await this.#greetingEnd.promise;
    const session = this.#create(upgrade);
    if (this.#isOver) {
      session.end(1006, "");
      return;
    }
    this.#join(session);
    session.attach(this.#socket, 0);
    this.#welcome(session, receipt, true);
    session.begin(end);
  }

  /** Never rejects. */
  async #ask(protocols: readonly string[]): Promise<Upgrade> {
    try {
      return await this.#parts.ask(protocols);
    } catch {
      // The one who was asked has logged why.
      return { accepted: false, response: new Response(null, { status: 500 }) };
    }
  }

  #create(upgrade: Accepted): ResumeSession {
    const { sessions, owner } = this.#parts;
    const { protocol, survives } = upgrade;
    const session = sessions.create({ owner, protocol, survives });
    upgrade.take(session);
    return session;
  }

  #welcome(session: ResumeSession, receipt: Receipt, fresh: boolean): void {
    const { id: resume, protocol = "" } = session;
    const received = session.received >>> 0;
    receipt.answer(JSON.stringify({ resume, received, protocol, fresh }));
  }

  #join(session: ResumeSession): void {
    this.#stopTimer();
    this.#session = session;
    this.#state = "joined";
  }

  /** Of what comes with a greeting, only its end counts. */
  #drop(message: Uint8Array, receipt: Receipt): void {
    const record = decodeRecord(message);
    const isEnd = record.ok && record.value.type === RecordType.sync && record.value.number === 0;
    if (isEnd) this.#greetingEnd.resolve(receipt);
    else receipt.done();
  }

  get #isOver(): boolean {
    return this.#state === "over";
  }

  #leave(): void {
    const session = this.#session;
    this.#session = undefined;
    session?.end(1006, "begun anew");
  }

  /** The app had accepted a client that has no use for it: it hears that it is gone. */
  #discardPrepared(): void {
    const prepared = this.#prepared;
    this.#prepared = undefined;
    if (prepared !== undefined) this.#create(prepared).end(1006, "");
  }
}

/** What an earlier core had, as this one sees it. */
export function revive(
  sessions: ResumeSessions,
  owner: string,
  upgrade: Accepted,
  kept: Kept,
): ResumeSession {
  const { protocol, survives } = upgrade;
  const session = sessions.create({ owner, protocol, survives }, kept);
  upgrade.take(session);
  return session;
}

/** Tells one question from another, over all cores that ever ask this client. Never 0. */
function randomNumber(): number {
  return ((crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) | 1) >>> 0;
}

function closeCodeOf(status: number): number {
  if (status === 503 || status === 429) return CloseCode.tryLater;
  return status < 500 ? CloseCode.policy : CloseCode.internal;
}
