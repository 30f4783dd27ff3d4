import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Secret } from "../../shared/secret.ts";
import { openSqliteStore } from "../store/sqlite/open.ts";
import { DeviceBook } from "./book.ts";
import type { DeviceNews } from "./news.ts";
import { MAX_REQUESTS, REQUEST_LIFE_MS } from "./requests.ts";
import type { Ask, Standing } from "./rules.ts";
import { tokenDigest } from "./tokens.ts";

const HERE: Standing = {
  isDirect: true,
  knowsSecret: true,
  isInterface: false,
  autoApproveLocal: true,
  isInNodeNetwork: false,
};
const THERE: Standing = { ...HERE, isDirect: false };

function ask(deviceId: string, changes: Partial<Ask> = {}): Ask {
  const named = { clientId: "cli", clientMode: "cli", platform: "linux" };
  return {
    deviceId,
    publicKey: `key of ${deviceId}`,
    role: "operator",
    scopes: ["operator.read"],
    ...named,
    ...changes,
  };
}

/** Devices on a real store, which can be opened again. */
async function world() {
  const parts = new AsyncDisposableStack();
  const stateDir = await mkdtemp(join(tmpdir(), "devices-"));
  parts.defer(() => rm(stateDir, { recursive: true }));
  const clock = { now: 1_800_000_000_000 };
  const news: DeviceNews[] = [];
  const open = async (key = "a key of this gateway") => {
    const store = await openSqliteStore({ stateDir, now: () => clock.now });
    let ids = 0;
    const book = new DeviceBook({
      store: store.devices,
      key: () => Promise.resolve(new Secret(key)),
      now: () => clock.now,
      newId: () => `request-${clock.now}-${(ids += 1)}`,
      isConnected: () => false,
      tell: (one) => void news.push(one),
    });
    await book.ready;
    return { book, store };
  };
  return { clock, news, open, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

async function tokenOf(book: DeviceBook, deviceId: string): Promise<string> {
  const entry = await book.enter(ask(deviceId), HERE);
  if (entry.state !== "in") throw new Error("it waits");
  return entry.token;
}

test("a device gets the same token again, in this process and in the next", async () => {
  await using it = await world();
  const first = await it.open();
  const token = await tokenOf(first.book, "a");
  expect(token).toMatch(/^[\w-]{43}$/);
  expect(await tokenOf(first.book, "a")).toBe(token);
  expect(await tokenOf(first.book, "b")).not.toBe(token);
  expect(JSON.stringify(await first.store.devices.devices())).not.toContain(token);
  await first.store[Symbol.asyncDispose]();
  const second = await it.open();
  expect(second.book.ownerOf(tokenDigest(token))?.device.deviceId).toBe("a");
  expect(await tokenOf(second.book, "a")).toBe(token);
  await second.store[Symbol.asyncDispose]();
  const other = await it.open("another key");
  const renewed = await tokenOf(other.book, "a");
  expect(renewed).not.toBe(token);
  expect(other.book.ownerOf(tokenDigest(token))).toBeUndefined();
  await other.store[Symbol.asyncDispose]();
});

test("a rotated or revoked token opens nothing, and a narrower one no more than it says", async () => {
  await using it = await world();
  const { book, store } = await it.open();
  await using closing = store;
  expect(closing).toBe(store);
  await book.enter(ask("a", { scopes: ["operator.admin"] }), HERE);
  const before = await book.currentToken("a", "operator");
  const rotated = await book.rotate("a", "operator", ["operator.read"]);
  expect(book.ownerOf(tokenDigest(before ?? ""))).toBeUndefined();
  expect(book.ownerOf(tokenDigest(rotated?.token ?? ""))?.token.scopes).toEqual(["operator.read"]);
  expect(await book.rotate("a", "operator", ["node.everything"])).toBeUndefined();
  expect(await book.rotate("a", "node")).toBeUndefined();
  expect(await book.rotate("nobody", "operator")).toBeUndefined();
  await book.revoke("a", "operator");
  expect(book.ownerOf(tokenDigest(rotated?.token ?? ""))).toBeUndefined();
  expect(await book.revoke("a", "node")).toBeUndefined();
});

test("a request is the same each time, and another when more is asked for", async () => {
  await using it = await world();
  const { book, store } = await it.open();
  await using closing = store;
  expect(closing).toBe(store);
  const wait = async (changes: Partial<Ask> = {}): Promise<string> => {
    const entry = await book.enter(ask("a", changes), THERE);
    return entry.state === "waits" ? entry.request.requestId : "in";
  };
  const first = await wait();
  it.clock.now += REQUEST_LIFE_MS - 1;
  expect(await wait()).toBe(first);
  const more = await wait({ scopes: ["operator.admin"] });
  expect(more).not.toBe(first);
  expect(await book.approve(first)).toBeUndefined();
  expect(book.requests).toHaveLength(1);
  it.clock.now += REQUEST_LIFE_MS;
  expect(book.requests).toEqual([]);
  expect(await book.approve(more)).toBeUndefined();
});

test("ten thousand requests leave as many as there is room for, on the disk too", async () => {
  await using it = await world();
  const { book, store } = await it.open();
  await using closing = store;
  expect(closing).toBe(store);
  await Promise.all(
    Array.from({ length: 10_000 }, (_, index) => book.enter(ask(`d${index}`), THERE)),
  );
  expect(book.requests).toHaveLength(MAX_REQUESTS);
  expect(book.requests.at(-1)?.deviceId).toBe("d9999");
  expect(await book.reject(book.requests[0]?.requestId ?? "")).toBeDefined();
  expect(await store.devices.requests()).toHaveLength(MAX_REQUESTS - 1);
});

test("what was approved or rejected is known to whoever waited, and to nobody else", async () => {
  await using it = await world();
  const { book, store } = await it.open();
  await using closing = store;
  expect(closing).toBe(store);
  await book.enter(ask("a"), HERE);
  const never = new AbortController();
  const asked = await book.ask(ask("a", { scopes: ["operator.write"] }));
  const waiting = book.decided(asked.requestId, "a", never.signal);
  const other = book.decided(asked.requestId, "b", never.signal);
  await book.approve(asked.requestId);
  expect(await waiting).toBe("approved");
  expect(await other).toBeUndefined();
  expect(await book.decided(asked.requestId, "a", never.signal)).toBe("approved");
  const again = await book.ask(ask("a", { scopes: ["operator.admin"] }));
  const gone = new AbortController();
  const left = book.decided(again.requestId, "a", gone.signal);
  gone.abort();
  expect(await left).toBeUndefined();
  await book.reject(again.requestId);
  expect(await book.decided(again.requestId, "a", never.signal)).toBe("rejected");
  expect(await book.decided("unknown", "a", never.signal)).toBeUndefined();
});

test("others hear of what changes access, and not of each visit", async () => {
  await using it = await world();
  const { book, store } = await it.open();
  await using closing = store;
  expect(closing).toBe(store);
  await book.enter(ask("a"), HERE);
  const before = it.news.length;
  it.clock.now += 3_600_000;
  await book.enter(ask("a"), HERE);
  expect(it.news).toHaveLength(before);
  expect(book.device("a")?.lastSeenAtMs).toBe(it.clock.now);
  await book.remove("a");
  expect(it.news.at(-1)).toEqual({ kind: "changed" });
  expect(await book.remove("a")).toBe(false);
});
