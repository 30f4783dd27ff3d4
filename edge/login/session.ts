/**
 * What stands in the cookie of a browser that has signed in:
 *
 *     v1.<digest of the token>.<end, Unix ms>.<MAC of all before it>
 *
 * The edge keeps no list of sessions. A session ends when its time is over, or when the core
 * takes its token out of the bundle, because then its digest is nobody's. Pure but for Web Crypto.
 */
import { err, ok, type Result } from "../../shared/result.ts";
import type { Signer } from "./signer.ts";

export interface Session {
  /** Of the token it was opened with. */
  readonly digest: string;
  /** Unix ms. */
  readonly expiresAt: number;
}

export type CredentialError =
  /** Not made with our key, or cut or changed since. */
  | { readonly reason: "forged" }
  /** Ours, and over. */
  | { readonly reason: "ended" };

const SESSION = /^(?<text>v1\.(?<digest>[\w-]{43})\.(?<expiry>\d{13}))\.(?<mac>[\w-]{43})$/;

/** How far the clocks of two machines of the edge may be apart. */
export const CLOCK_SLACK_MS = 60_000;

/** After this part of its life a session that is used gets a new one: not with every answer. */
const RENEW_AFTER = 0.1;

/** The value of the cookie. */
export async function writeSession(
  signer: Signer,
  { digest, expiresAt }: Session,
): Promise<string> {
  const text = `v1.${digest}.${expiresAt}`;
  return `${text}.${await signer.sign(text)}`;
}

/**
 * Reads what `writeSession` wrote.
 *
 * @param now - Unix ms.
 * @param lifetimeMs - A session that would last longer was opened under a setting that has since
 *   been made stricter: it is over.
 */
export async function readSession(
  signer: Signer,
  value: string,
  now: number,
  lifetimeMs: number,
): Promise<Result<Session, CredentialError>> {
  const { text, digest, expiry, mac } = SESSION.exec(value)?.groups ?? {};
  if (text === undefined || digest === undefined || mac === undefined) {
    return err({ reason: "forged" });
  }
  // The signature first, though it costs more: only of what is ours is it worth saying "over".
  if (!(await signer.verify(text, mac))) return err({ reason: "forged" });
  const expiresAt = Number(expiry);
  const isLive = expiresAt > now && expiresAt <= now + lifetimeMs + CLOCK_SLACK_MS;
  return isLive ? ok({ digest, expiresAt }) : err({ reason: "ended" });
}

/** Whether a session that is being used should be made longer now. */
export function isDueForRenewal({ expiresAt }: Session, now: number, lifetimeMs: number): boolean {
  return expiresAt - now < lifetimeMs * (1 - RENEW_AFTER);
}
