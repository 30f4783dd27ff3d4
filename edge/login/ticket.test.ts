import { expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { digestOf } from "../../shared/constant-time.ts";
import { writeSession } from "./session.ts";
import { createSigner, type Signer } from "./signer.ts";
import { readTicket, TICKET_MS, ticketIn, withoutTicket, writeTicket } from "./ticket.ts";

const NOW = 1_790_000_000_000;

const signer = await aSigner();
const otherSigner = await aSigner();
const digest = await digestOf("the-token");
const { ticket, expiresAt } = await writeTicket(signer, digest, NOW);

async function aSigner(): Promise<Signer> {
  const made = await createSigner(randomToken());
  if (made === undefined) throw new TypeError("32 bytes make a key");
  return made;
}

test("a ticket is good for half a minute and names its token and a nonce of its own", async () => {
  expect(expiresAt).toBe(NOW + TICKET_MS);
  const read = await readTicket(signer, ticket, NOW + TICKET_MS - 1);
  expect(read).toMatchObject({ ok: true, value: { digest, exp: NOW + TICKET_MS } });
  const next = await readTicket(signer, (await writeTicket(signer, digest, NOW)).ticket, NOW);
  expect(read.ok && next.ok && read.value.nonce !== next.value.nonce).toBe(true);
});

test.each([
  ["30 seconds old", NOW + TICKET_MS],
  ["of a clock that is far ahead", NOW - 5 * TICKET_MS],
])("a genuine ticket that is %s has ended", async (_name, now) => {
  expect(await readTicket(signer, ticket, now)).toEqual({ ok: false, error: { reason: "ended" } });
});

test.each([
  ["nothing", ""],
  ["cut short", ticket.slice(0, -1)],
  ["longer by a letter", `${ticket}A`],
  ["given more time", ticket.replace(String(expiresAt), String(expiresAt + 1))],
  ["given another nonce", ticket.replace(/(?<=\.)[\w-]{22}(?=\.)/, randomToken(16))],
  ["for another token", ticket.replace(digest, await digestOf("another"))],
  ["signed with another key", (await writeTicket(otherSigner, digest, NOW)).ticket],
  ["a session", await writeSession(signer, { digest, expiresAt })],
  ["huge", ticket.padEnd(15_000, "A")],
])("a ticket that is %s is none", async (_name, value) => {
  expect(await readTicket(signer, value, NOW)).toEqual({ ok: false, error: { reason: "forged" } });
});

test.each([
  ["", undefined, ""],
  ["?", undefined, "?"],
  ["?a=1", undefined, "?a=1"],
  [`?ticket=${ticket}`, ticket, ""],
  [`?a=1&ticket=${ticket}&b=%20+&c`, ticket, "?a=1&b=%20+&c"],
  [`?ticket=${ticket}&ticket=${ticket}`, undefined, ""],
  ["?ticket=t1.wrong&x", "t1.wrong", "?x"],
  ["?ticket=JIRA-7", undefined, "?ticket=JIRA-7"],
  [`?myticket=${ticket}`, undefined, `?myticket=${ticket}`],
  [`?Ticket=${ticket}`, undefined, `?Ticket=${ticket}`],
])("in the query %j the ticket is %j, and %j goes on", (query, found, rest) => {
  expect(ticketIn(query)).toBe(found);
  expect(withoutTicket(query)).toBe(rest);
});
