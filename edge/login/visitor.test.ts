import { expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { digestOf } from "../../shared/constant-time.ts";
import type { EdgeBundle } from "../../shared/edge-bundle.ts";
import { Verifiers } from "../verifiers.ts";
import type { Arrival } from "./arrival.ts";
import { writeSession } from "./session.ts";
import { createSigner, type Signer } from "./signer.ts";
import { writeTicket } from "./ticket.ts";
import { findVisitor } from "./visitor.ts";

const NOW = 1_790_000_000_000;
const HOUR_MS = 3_600_000;
const LIFETIME_MS = 12 * HOUR_MS;
const ORIGIN = "https://edge.example";

const digest = await digestOf("the-token");
const sessionKey = randomToken();
const signer = await aSigner(sessionKey);
const principal = { subject: "owner", scopes: ["operator"] };

const BUNDLE: EdgeBundle = {
  verifiers: [{ digest, subject: "owner", scopes: ["operator"] }],
  routes: [],
  rate: { perSecond: 100, burst: 500 },
  login: { enabled: true },
};

async function aSigner(key: string): Promise<Signer> {
  const made = await createSigner(key);
  if (made === undefined) throw new TypeError("32 bytes make a key");
  return made;
}

function aCookie(change: { expiresAt?: number; digest?: string; by?: Signer } = {}) {
  const { expiresAt = NOW + LIFETIME_MS, by = signer } = change;
  return writeSession(by, { digest: change.digest ?? digest, expiresAt });
}

/** One isolate: counts how often its relay was asked. */
class Door {
  asked = 0;
  login: boolean | undefined;
  bundle: EdgeBundle | null = BUNDLE;
  key: string | undefined = sessionKey;
  readonly verifiers = new Verifiers(() => {
    this.asked += 1;
    const { bundle, key } = this;
    const published = { version: 1, bundle, keys: [], sessionKey: key };
    return Promise.resolve({ relay: "weur:1", published });
  });

  find(
    headers: Readonly<Record<string, string>>,
    { method = "GET", query = "", origin = ORIGIN, now = NOW } = {},
  ): ReturnType<typeof findVisitor> {
    const { verifiers } = this;
    const arrival: Arrival = {
      request: { method },
      isolate: { settings: { login: this.login }, verifiers },
      origin,
      query,
      header: (name) => headers[name],
      now,
      keepAlive: () => {},
    };
    return findVisitor(arrival);
  }

  withCookie(value: string, more: Readonly<Record<string, string>> = {}) {
    return this.find({ cookie: `__Host-sallyport=${value}`, ...more });
  }
}

test("a fresh isolate asks its relay once and knows a cookie from then on", async () => {
  const door = new Door();
  const expected = { ok: true, value: { principal, digest } };
  expect(await door.withCookie(await aCookie())).toEqual(expected);
  expect(await door.withCookie(await aCookie())).toEqual(expected);
  expect(door.asked).toBe(1);
});

test("10,000 forged cookies and tickets in ten minutes ask the relay once", async () => {
  const door = new Door();
  const forger = await aSigner(randomToken());
  const cookie = await aCookie({ by: forger });
  const { ticket } = await writeTicket(forger, digest, NOW);
  const events = { accept: "text/event-stream" };
  for (let index = 0; index < 5_000; index += 1) {
    const now = NOW + index * 120;
    const byCookie = await door.find({ cookie: `__Host-sallyport=${cookie}` }, { now });
    const byTicket = await door.find(events, { query: `?ticket=${ticket}`, now });
    expect([byCookie, byTicket]).toEqual([
      { ok: false, error: { reason: "forged" } },
      { ok: false, error: { reason: "forged" } },
    ]);
  }
  expect(door.asked).toBe(1);
});

test("what bears no signature at all does not even ask for the key", async () => {
  const door = new Door();
  await door.find({});
  await door.find({ cookie: "a=1; sallyport=v1.x" });
  await door.find({ accept: "text/event-stream" }, { query: "?ticket=JIRA-7&a=1" });
  await door.find({}, { query: "?ticket=t1.x" });
  expect(door.asked).toBe(0);
});

test("a genuine cookie of a token that is gone asks once a minute and is over", async () => {
  const door = new Door();
  const cookie = `__Host-sallyport=${await aCookie({ digest: await digestOf("gone") })}`;
  for (let second = 0; second < 180; second += 1) {
    const found = await door.find({ cookie }, { now: NOW + second * 1_000 });
    expect(found).toEqual({ ok: false, error: { reason: "ended" } });
  }
  expect(door.asked).toBe(3);
});

test.each([
  ["before any core", { bundle: null, key: undefined }],
  ["while the relay is of the version before", { bundle: BUNDLE, key: undefined }],
])("%s a cookie cannot be checked", async (_name, state) => {
  const door = Object.assign(new Door(), state);
  expect(await door.withCookie(await aCookie())).toEqual({
    ok: false,
    error: { reason: "unchecked" },
  });
});

test.each([
  ["where login is off", { login: false }, ORIGIN, "__Host-sallyport"],
  ["under the name for loopback", {}, ORIGIN, "sallyport"],
  ["without encryption", {}, "http://edge.example", "__Host-sallyport"],
  ["without encryption, under another name", {}, "http://edge.example", "sallyport"],
])("a good cookie %s is none", async (_name, state, origin, name) => {
  const door = Object.assign(new Door(), state);
  const found = await door.find({ cookie: `${name}=${await aCookie()}` }, { origin });
  expect(found).toEqual({ ok: false, error: { reason: "absent" } });
});

test.each([
  ["POST", {}],
  ["DELETE", { origin: "https://evil.example" }],
  ["GET", { upgrade: "websocket", origin: "https://evil.example" }],
  ["GET", { upgrade: "WebSocket" }],
  ["PROPFIND", {}],
])("%s with the cookie and no page of ours behind it is foreign", async (method, headers) => {
  const cookie = `__Host-sallyport=${await aCookie()}`;
  const found = await new Door().find({ cookie, ...headers }, { method });
  expect(found).toEqual({ ok: false, error: { reason: "foreign" } });
  const ours = await new Door().find({ cookie, ...headers, origin: ORIGIN }, { method });
  expect(ours.ok).toBe(true);
});

test("a ticket opens what a foreign cookie beside it does not", async () => {
  const { ticket } = await writeTicket(signer, digest, NOW);
  const headers = {
    cookie: `__Host-sallyport=${await aCookie()}`,
    upgrade: "websocket",
    origin: "https://app.example",
  };
  const found = await new Door().find(headers, { query: `?ticket=${ticket}` });
  expect(found).toMatchObject({
    ok: true,
    value: { digest, ticket: { nonce: ticket.split(".")[2], exp: NOW + 30_000 } },
  });
});

test.each([
  [29_999, true],
  [30_000, false],
])("a ticket of %i ms is good: %s", async (ageMs, isGood) => {
  const { ticket } = await writeTicket(signer, digest, NOW);
  const headers = { accept: "text/event-stream" };
  const found = await new Door().find(headers, { query: `?ticket=${ticket}`, now: NOW + ageMs });
  expect(found.ok).toBe(isGood);
});

test("a session in use is made longer, but not with every answer and not on an upgrade", async () => {
  const door = new Door();
  const old = await aCookie({ expiresAt: NOW + 2 * HOUR_MS });
  const renewed = await door.withCookie(old);
  expect(renewed).toMatchObject({
    ok: true,
    value: {
      setCookie: `__Host-sallyport=${await aCookie()}; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure`,
    },
  });
  for (const found of [
    await door.withCookie(await aCookie({ expiresAt: NOW + 11 * HOUR_MS })),
    await door.withCookie(old, { upgrade: "websocket", origin: ORIGIN }),
  ]) {
    expect(found.ok && found.value.setCookie).toBeUndefined();
  }
});
