import { expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { digestOf } from "../../shared/constant-time.ts";
import { isDueForRenewal, readSession, writeSession } from "./session.ts";
import { createSigner, type Signer } from "./signer.ts";
import { writeTicket } from "./ticket.ts";

const NOW = 1_790_000_000_000;
const HOUR_MS = 3_600_000;
const LIFETIME_MS = 12 * HOUR_MS;

const signer = await aSigner();
const otherSigner = await aSigner();
const digest = await digestOf("the-token");
const otherDigest = await digestOf("another-token");
const good = await writeSession(signer, { digest, expiresAt: NOW + LIFETIME_MS });
const mac = good.slice(good.lastIndexOf(".") + 1);

async function aSigner(): Promise<Signer> {
  const made = await createSigner(randomToken());
  if (made === undefined) throw new TypeError("32 bytes make a key");
  return made;
}

test("a session is read as it was written, until its last millisecond", async () => {
  const expiresAt = NOW + LIFETIME_MS;
  for (const now of [NOW, expiresAt - 1]) {
    expect(await readSession(signer, good, now, LIFETIME_MS)).toEqual({
      ok: true,
      value: { digest, expiresAt },
    });
  }
});

test.each([
  ["nothing", ""],
  ["cut short", good.slice(0, -1)],
  ["cut at a dot", good.slice(0, good.lastIndexOf("."))],
  ["with something behind it", `${good}.`],
  ["with a line end behind it", `${good}\n`],
  ["with a space before it", ` ${good}`],
  ["quoted", `"${good}"`],
  ["of a later version", good.replace("v1.", "v2.")],
  ["for another token", good.replace(digest, otherDigest)],
  ["for the token itself", good.replace(digest, "the-token")],
  ["made to last longer", good.replace(String(NOW + LIFETIME_MS), String(NOW + LIFETIME_MS + 1))],
  ["with an end of 14 digits", good.replace(String(NOW + LIFETIME_MS), `0${NOW + LIFETIME_MS}`)],
  ["with an end that is no number", good.replace(String(NOW + LIFETIME_MS), "Infinity00000")],
  ["with another MAC", `${good.slice(0, -mac.length)}${randomToken()}`],
  ["with bits of its MAC that mean nothing", `${good.slice(0, -1)}${neighbour(good.at(-1) ?? "")}`],
  [
    "signed with another key",
    await writeSession(otherSigner, { digest, expiresAt: NOW + HOUR_MS }),
  ],
  ["a ticket", (await writeTicket(signer, digest, NOW)).ticket],
  [
    "a ticket in the dress of a session",
    (await writeTicket(signer, digest, NOW)).ticket.replace("t1", "v1"),
  ],
  ["huge", "v1.".padEnd(30_000, "A")],
  ["huge behind a good one", good.padEnd(30_000, "A")],
])("a session that is %s is none", async (_name, value) => {
  expect(await readSession(signer, value, NOW, LIFETIME_MS)).toEqual({
    ok: false,
    error: { reason: "forged" },
  });
});

/** The last character of 43 carries two bits that no byte has. */
function neighbour(char: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return alphabet[alphabet.indexOf(char) ^ 1] ?? "";
}

test.each([
  ["just over", NOW + LIFETIME_MS, LIFETIME_MS],
  ["over for a year", NOW + 365 * 24 * HOUR_MS, LIFETIME_MS],
  ["longer than sessions last by now", NOW, HOUR_MS],
  ["of a clock that is far ahead", NOW - HOUR_MS, LIFETIME_MS],
])("a genuine session that is %s has ended", async (_name, now, lifetimeMs) => {
  expect(await readSession(signer, good, now, lifetimeMs)).toEqual({
    ok: false,
    error: { reason: "ended" },
  });
});

test("a minute between two clocks of the edge ends no session", async () => {
  expect((await readSession(signer, good, NOW - 59_000, LIFETIME_MS)).ok).toBe(true);
});

test.each([
  ["fresh", 0, false],
  ["an hour old", HOUR_MS, false],
  ["two hours old", 2 * HOUR_MS, true],
])("a session that is %s: renewal due is %s", (_name, ageMs, due) => {
  const session = { digest, expiresAt: NOW + LIFETIME_MS };
  expect(isDueForRenewal(session, NOW + ageMs, LIFETIME_MS)).toBe(due);
});

test.each([
  ["nothing", ""],
  ["16 bytes", randomToken(16)],
  ["33 bytes", randomToken(33)],
  ["no base64", "!".repeat(43)],
])("%s is no key", async (_name, key) => {
  expect(await createSigner(key)).toBeUndefined();
});
