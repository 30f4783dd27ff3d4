import { err, ok, type Result } from "../../shared/result.ts";
import type { Caller } from "../verifiers.ts";
import type { Arrival } from "./arrival.ts";
import { cookieIn, cookieName, setCookie } from "./cookie.ts";
import { isFromOwnPage } from "./own-page.ts";
import { policyOf } from "./policy.ts";
import { isDueForRenewal, readSession, type Session, writeSession } from "./session.ts";
import type { Signer } from "./signer.ts";
import { readTicket, ticketIn } from "./ticket.ts";

/** Why a browser is not let in, for us to know: a client is told the same of all but `foreign`. */
export type VisitorError =
  | { readonly reason: "absent" }
  | { readonly reason: "forged" }
  | { readonly reason: "ended" }
  /** A good cookie that a page of others made the browser send. */
  | { readonly reason: "foreign" }
  /** This isolate has no key to check it with, and did not get it from the relay. */
  | { readonly reason: "unchecked" };

type Found = Result<Caller, VisitorError>;

const ABSENT: Found = err({ reason: "absent" });

/**
 * Who sent this, by cookie or ticket. What is not signed with our key is decided on right here;
 * the relay is asked only for what it is the one to know, and no more often than for a token.
 */
export async function findVisitor(visit: Arrival): Promise<Found> {
  const byCookie = await findByCookie(visit);
  if (byCookie.ok) return byCookie;
  const byTicket = await findByTicket(visit);
  // A ticket is shown on purpose, a cookie comes along: the one that was meant is answered to.
  return byTicket.ok || byTicket.error.reason !== "absent" ? byTicket : byCookie;
}

async function findByCookie(visit: Arrival): Promise<Found> {
  const name = cookieName(visit.origin);
  const value = name === undefined ? undefined : cookieIn(visit.header("cookie") ?? "", name);
  if (name === undefined || value === undefined) return ABSENT;
  const signer = await signerFor(visit);
  if (signer === undefined) return err({ reason: "unchecked" });
  const { isOn, lifetimeMs } = policyOf(visit.isolate);
  if (!isOn) return ABSENT;
  const session = await readSession(signer, value, visit.now, lifetimeMs);
  if (!session.ok) return session;
  const caller = await holderOf(visit, session.value.digest);
  if (caller === undefined) return err({ reason: "ended" });
  if (mayHarm(visit) && !isFromOwnPage(visit)) return err({ reason: "foreign" });
  const longer = await prolong(visit, session.value, signer, lifetimeMs);
  return ok(
    longer === undefined
      ? caller
      : { ...caller, setCookie: setCookie(name, longer, lifetimeMs / 1_000) },
  );
}

/** A new value for the cookie, once the session is due for one and there is a head to put it in. */
async function prolong(
  visit: Arrival,
  session: Session,
  signer: Signer,
  lifetimeMs: number,
): Promise<string | undefined> {
  const { now } = visit;
  if (isUpgrade(visit) || !isDueForRenewal(session, now, lifetimeMs)) return undefined;
  return writeSession(signer, { digest: session.digest, expiresAt: now + lifetimeMs });
}

async function findByTicket(visit: Arrival): Promise<Found> {
  if (visit.query === "" || !takesTickets(visit)) return ABSENT;
  const value = ticketIn(visit.query);
  if (value === undefined) return ABSENT;
  const signer = await signerFor(visit);
  if (signer === undefined) return err({ reason: "unchecked" });
  const ticket = await readTicket(signer, value, visit.now);
  if (!ticket.ok) return ticket;
  const { digest, nonce, exp } = ticket.value;
  const caller = await holderOf(visit, digest);
  return caller === undefined
    ? err({ reason: "ended" })
    : ok({ ...caller, ticket: { nonce, exp } });
}

const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** Whether this could do harm if a page of others had made the browser send it. */
function mayHarm(visit: Arrival): boolean {
  return isUpgrade(visit) || !SAFE_METHODS.has(visit.request.method);
}

/** What a browser can open without being able to add a header to it. */
function takesTickets(visit: Arrival): boolean {
  if (visit.request.method !== "GET") return false;
  return isUpgrade(visit) || visit.header("accept")?.includes("text/event-stream") === true;
}

function isUpgrade(visit: Arrival): boolean {
  return visit.header("upgrade")?.toLowerCase() === "websocket";
}

async function signerFor({ isolate, keepAlive, now }: Arrival): Promise<Signer | undefined> {
  const known = isolate.verifiers.signer;
  if (known !== undefined) return known;
  await isolate.verifiers.missed("client", keepAlive, now);
  return isolate.verifiers.signer;
}

/** Whose token a genuine digest is: not known may mean that it is news, or that it is gone. */
async function holderOf({ isolate, keepAlive, now }: Arrival, digest: string) {
  const known = isolate.verifiers.find(digest);
  if (known !== undefined) return known;
  await isolate.verifiers.missed("client", keepAlive, now);
  return isolate.verifiers.find(digest);
}
