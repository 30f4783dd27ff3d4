/**
 * Direct conversations with strangers: they get a code, and wait until the owner approves it.
 *
 * Until then nothing they write reaches a model.
 */
import * as z from "zod";
import { secretsMatch } from "../../shared/constant-time.ts";
import type { Store } from "../store/store.ts";

/** How long a code may be approved. */
export const CODE_LIFE_MS = 60 * 60_000;
/** Codes open at once on one channel: more strangers than that at a time are not people. */
export const MAX_PENDING = 3;
/** Letters and digits that cannot be mistaken for one another: no 0, O, 1, I. */
const ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/** 40 bits: guessing one of three codes within their hour is out of reach. */
const CODE_LENGTH = 8;
/** Far above one person's friends; the list is read for every direct message. */
const MAX_APPROVED = 10_000;

const Pending = z.object({
  code: z.string(),
  sender: z.string(),
  name: z.string(),
  createdAt: z.number(),
  lastSeenAt: z.number(),
  /** The inbox item that asked: after a kill it asks again, and must get its answer. */
  askedBy: z.string(),
});
const Approved = z.object({ sender: z.string(), name: z.string(), approvedAt: z.number() });
const Book = z
  .object({
    pending: z.array(Pending).default([]),
    approved: z.array(Approved).default([]),
    /** Whoever was let in first, for good: nobody takes their place by staying longer. */
    first: z.string().optional(),
  })
  .transform((book) => ({ ...book, first: book.first ?? book.approved[0]?.sender }));
type Book = z.output<typeof Book>;

/** A stranger who waits for approval. */
export type PairingRequest = Omit<z.output<typeof Pending>, "askedBy">;
export type PairedSender = z.output<typeof Approved>;

export interface Stranger {
  readonly sender: string;
  readonly name: string;
  /** Id of the inbox item with their message. */
  readonly askedBy: string;
}

export type PairingAnswer =
  /** The code has to be told to them. */
  | { readonly state: "new"; readonly code: string }
  /** They were told before, or too many others are waiting. */
  | { readonly state: "waiting" }
  /** Approved since the caller looked. */
  | { readonly state: "approved" };

export interface PairingParts {
  readonly store: Pick<Store, "get" | "set">;
  readonly now: () => number;
  /** Cryptographically random bytes. */
  readonly randomBytes: (count: number) => Uint8Array;
}

/** The pairings of all channels, kept in the store. One object per store: it makes changes one by one. */
export class Pairing {
  readonly #parts: PairingParts;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: PairingParts) {
    this.#parts = parts;
  }

  /** Senders that were approved on `channel`. */
  async approved(channel: string): Promise<PairedSender[]> {
    return (await this.#read(channel)).approved;
  }

  /** The sender who was approved first on `channel`, as long as they are. */
  async firstOf(channel: string): Promise<string | undefined> {
    const { first, approved } = await this.#read(channel);
    return approved.some(({ sender }) => sender === first) ? first : undefined;
  }

  /** Strangers whose codes are still good, oldest first. */
  async pending(channel: string): Promise<PairingRequest[]> {
    const { pending } = await this.#read(channel);
    return pending.map(({ askedBy: _ours, ...request }) => request);
  }

  /** A stranger wrote. The same stranger keeps the same code for its hour, and is told it once. */
  ask(channel: string, stranger: Stranger): Promise<PairingAnswer> {
    return this.#change(channel, (book): [Book, PairingAnswer] => {
      const now = this.#parts.now();
      if (book.approved.some(({ sender }) => sender === stranger.sender)) {
        return [book, { state: "approved" }];
      }
      const known = book.pending.find(({ sender }) => sender === stranger.sender);
      if (known !== undefined) {
        const seen = { ...known, lastSeenAt: now };
        const pending = book.pending.map((entry) => (entry === known ? seen : entry));
        const again = known.askedBy === stranger.askedBy;
        const answer = again ? newCode(known.code) : ({ state: "waiting" } as const);
        return [{ ...book, pending }, answer];
      }
      if (book.pending.length >= MAX_PENDING) return [book, { state: "waiting" }];
      const code = this.#drawCode();
      const entry = { ...stranger, code, createdAt: now, lastSeenAt: now };
      return [{ ...book, pending: [...book.pending, entry] }, newCode(code)];
    });
  }

  /** Lets in who was given `code`. Undefined: there is no such code, or no more. */
  async approve(channel: string, code: string): Promise<PairedSender | undefined> {
    const given = code.trim().toUpperCase();
    const { pending: requests } = await this.#read(channel);
    const matches = await Promise.all(requests.map((request) => secretsMatch(given, request.code)));
    const request = requests[matches.indexOf(true)];
    if (request === undefined) return undefined;
    return this.#change(channel, (book): [Book, PairedSender | undefined] => {
      if (!book.pending.some((entry) => entry.code === request.code)) return [book, undefined];
      const { sender, name } = request;
      const paired = { sender, name, approvedAt: this.#parts.now() };
      const others = book.approved.filter((entry) => entry.sender !== sender);
      return [
        {
          first: book.first ?? sender,
          pending: book.pending.filter((entry) => entry.sender !== sender),
          approved: [...others, paired].slice(-MAX_APPROVED),
        },
        paired,
      ];
    });
  }

  /** Forgets a stranger who waits; one who writes again asks again. Undefined: there is no such code. */
  dismiss(channel: string, code: string): Promise<PairingRequest | undefined> {
    return this.#change(channel, (book): [Book, PairingRequest | undefined] => {
      const request = book.pending.find((entry) => entry.code === code);
      if (request === undefined) return [book, undefined];
      const pending = book.pending.filter((entry) => entry !== request);
      return [{ ...book, pending }, request];
    });
  }

  /** Shuts out a sender that was approved. False: there was none. */
  revoke(channel: string, sender: string): Promise<boolean> {
    return this.#change(channel, (book): [Book, boolean] => {
      const approved = book.approved.filter((entry) => entry.sender !== sender);
      return [{ ...book, approved }, approved.length < book.approved.length];
    });
  }

  #drawCode(): string {
    // 256 is a multiple of 32, so every letter is equally likely.
    const bytes = this.#parts.randomBytes(CODE_LENGTH);
    return Array.from(bytes, (byte) => ALPHABET[byte % ALPHABET.length]).join("");
  }

  async #read(channel: string): Promise<Book> {
    const text = await this.#parts.store.get(keyOf(channel));
    const book = Book.parse(text === undefined ? {} : JSON.parse(text));
    const oldest = this.#parts.now() - CODE_LIFE_MS;
    return { ...book, pending: book.pending.filter(({ createdAt }) => createdAt > oldest) };
  }

  /** Reading, deciding and writing back are three steps: changes must not run side by side. */
  #change<T>(channel: string, decide: (book: Book) => [Book, T]): Promise<T> {
    const changed = this.#last.then(async () => {
      const before = await this.#read(channel);
      const [after, answer] = decide(before);
      if (after !== before) await this.#parts.store.set(keyOf(channel), JSON.stringify(after));
      return answer;
    });
    this.#last = changed.catch(() => undefined); // its caller hears of it; the next one goes on
    return changed;
  }
}

/** What a stranger is told. `command` is what the owner types. */
export function pairingText(channel: string, code: string): string {
  return [
    "I do not know you yet, so I have not read your message to anybody.",
    `Your pairing code is \`${code}\`. It is good for an hour.`,
    "If this assistant is yours, approve it on the machine it runs on:",
    `\`\`\`\nsallyport pairing approve ${channel} ${code}\n\`\`\``,
  ].join("\n\n");
}

function newCode(code: string): PairingAnswer {
  return { state: "new", code };
}

function keyOf(channel: string): string {
  return `pairing:${channel}`;
}
