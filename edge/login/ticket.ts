/**
 * Tickets let in what cannot send a header, a WebSocket or an event stream of a browser, once
 * and within half a minute:
 *
 *     t1.<digest of the token>.<nonce>.<end, Unix ms>.<MAC of all before it>
 *
 * They stand in the URL, where everything ends up in a log: that is why they are good for so
 * little. The relay, of which there is one, sees to it that none is used twice. Pure but for Web
 * Crypto and the nonce.
 */
import { randomToken } from "../../shared/bytes.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { CLOCK_SLACK_MS, type CredentialError } from "./session.ts";
import type { Signer } from "./signer.ts";

export interface Ticket {
  /** Of the token it was asked for with. */
  readonly digest: string;
  readonly nonce: string;
  /** Unix ms. */
  readonly exp: number;
}

/** From the answer that has it to the connection that uses it: a slow phone's handshake. */
export const TICKET_MS = 30_000;

const NONCE_BYTES = 16;

const TICKET =
  /^(?<text>t1\.(?<digest>[\w-]{43})\.(?<nonce>[\w-]{22})\.(?<exp>\d{13}))\.(?<mac>[\w-]{43})$/;

/** What only our tickets begin with: another `ticket=` is the business of what is behind us. */
const PARAM = "ticket=t1.";

/** A ticket for the holder of a token. @param now - Unix ms. */
export async function writeTicket(
  signer: Signer,
  digest: string,
  now: number,
): Promise<{ readonly ticket: string; readonly expiresAt: number }> {
  const expiresAt = now + TICKET_MS;
  const text = `t1.${digest}.${randomToken(NONCE_BYTES)}.${expiresAt}`;
  return { ticket: `${text}.${await signer.sign(text)}`, expiresAt };
}

/** Reads what `writeTicket` wrote; whether it was used before, only the relay knows. */
export async function readTicket(
  signer: Signer,
  value: string,
  now: number,
): Promise<Result<Ticket, CredentialError>> {
  const { text, digest, nonce, exp: end, mac } = TICKET.exec(value)?.groups ?? {};
  if (text === undefined || digest === undefined || nonce === undefined || mac === undefined) {
    return err({ reason: "forged" });
  }
  if (!(await signer.verify(text, mac))) return err({ reason: "forged" });
  const exp = Number(end);
  const isLive = exp > now && exp <= now + TICKET_MS + CLOCK_SLACK_MS;
  return isLive ? ok({ digest, nonce, exp }) : err({ reason: "ended" });
}

/**
 * The ticket in a query, whatever it is worth. Of several none: which one counts, nobody could say.
 *
 * @param query - With its question mark, or empty.
 */
export function ticketIn(query: string): string | undefined {
  const tickets = query.slice(1).split("&").filter(isTicket);
  return tickets.length === 1 ? tickets[0]?.slice("ticket=".length) : undefined;
}

/** The query without any ticket, all else of it letter by letter as it was. */
export function withoutTicket(query: string): string {
  if (!query.includes(PARAM)) return query;
  const rest = query
    .slice(1)
    .split("&")
    .filter((param) => !isTicket(param));
  return rest.length === 0 ? "" : `?${rest.join("&")}`;
}

function isTicket(param: string): boolean {
  return param.startsWith(PARAM);
}
