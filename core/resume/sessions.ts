import { randomToken, utf8 } from "../../shared/bytes.ts";
import { bytesMatch } from "../../shared/constant-time.ts";
import { GatewayError } from "../../shared/errors.ts";
import { LIMITS } from "../../shared/limits.ts";
import type { Kept } from "./kept.ts";
import { ResumeSession, type SessionOptions } from "./session.ts";

/** The first half of an id finds the session, the whole of it opens it. */
const NAME_CHARS = 21;
const NO_CONNECTION = 1006;

export interface ResumeSessionsOptions {
  /** Calls back after `ms`. @returns What calls it off. */
  readonly delay?: (callback: () => void, ms: number) => () => void;
}

/** The sessions of one core, with a connection or waiting for one. Disposing it ends them all. */
export class ResumeSessions implements Disposable {
  readonly delay: (callback: () => void, ms: number) => () => void;
  readonly #byName = new Map<string, ResumeSession>();
  /** In the order in which they lost their connection. */
  readonly #away = new Map<ResumeSession, () => void>();

  constructor({ delay = timer }: ResumeSessionsOptions = {}) {
    this.delay = delay;
  }

  get count(): number {
    return this.#byName.size;
  }

  /** @throws GatewayError overloaded when there is no room for one more client. */
  checkRoom(): void {
    if (this.count - this.#away.size < LIMITS.maxResumeSessions) return;
    throw new GatewayError("overloaded", "Too many clients at once", { retryAfterMs: 1_000 });
  }

  /** Undefined for an unknown id and for one that belongs to somebody else. */
  find(id: string, owner: string): ResumeSession | undefined {
    const session = this.#byName.get(id.slice(0, NAME_CHARS));
    if (session === undefined || !bytesMatch(utf8(id), utf8(session.id))) return undefined;
    return session.owner === owner ? session : undefined;
  }

  /** @param kept - What an earlier core kept of it; undefined for a new one. */
  create(options: Omit<SessionOptions, "onLost" | "onOver">, kept?: Kept): ResumeSession {
    for (const oldest of this.#away.keys()) {
      if (this.count < LIMITS.maxResumeSessions) break;
      oldest.end(NO_CONNECTION, "too many sessions");
    }
    const session: ResumeSession = new ResumeSession(
      kept?.id ?? randomToken(),
      {
        ...options,
        onLost: () => this.#lost(session),
        onOver: () => {
          this.found(session);
          const name = session.id.slice(0, NAME_CHARS);
          if (this.#byName.get(name) === session) this.#byName.delete(name);
        },
      },
      kept,
    );
    this.#byName.get(session.id.slice(0, NAME_CHARS))?.end(NO_CONNECTION, "taken over");
    this.#byName.set(session.id.slice(0, NAME_CHARS), session);
    return session;
  }

  /** It has a connection again. */
  found(session: ResumeSession): void {
    this.#away.get(session)?.();
    this.#away.delete(session);
  }

  [Symbol.dispose](): void {
    for (const session of this.#byName.values()) session.end(1001, "the core stops");
  }

  #lost(session: ResumeSession): void {
    this.#away.set(
      session,
      this.delay(() => session.end(NO_CONNECTION, "it did not come back"), LIMITS.resumeMs),
    );
    let heldBytes = 0;
    for (const one of this.#away.keys()) heldBytes += one.heldBytes;
    for (const oldest of this.#away.keys()) {
      if (heldBytes <= LIMITS.maxResumeHeldBytes) break;
      heldBytes -= oldest.heldBytes;
      oldest.end(NO_CONNECTION, "too much is waiting");
    }
  }
}

function timer(callback: () => void, ms: number): () => void {
  const timeout = setTimeout(callback, ms).unref();
  return () => clearTimeout(timeout);
}
