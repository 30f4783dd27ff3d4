import { expect, test } from "vitest";
import { GatewayError } from "../../../shared/errors.ts";
import { relayState } from "../../../test/support/relay-state.ts";
import type { RelayAnswer } from "../../tunnel/handlers.ts";
import { addKey, listKeys, revokeKey } from "./relay-keys.ts";

const NOW = 1_700_000_000_000;
const STATE = relayState();

/** What a relay with these keys answers. */
function answer(keys: string[], method: string, path: string, body: unknown): RelayAnswer {
  if (method === "GET") {
    const list = keys.map((kid) => ({ kid, publicKey: `public ${kid}`, addedAt: NOW }));
    return { status: 200, body: { keys: list } };
  }
  if (method === "PUT") {
    if (keys.length === 2) return { status: 409, body: { detail: "two keys already" } };
    keys.push(String(Object.values(body ?? {})[0]));
    return { status: 204, body: undefined };
  }
  const index = keys.indexOf(path.replace("/keys/", ""));
  if (index < 0) return { status: 404, body: undefined };
  keys.splice(index, 1);
  return { status: 204, body: undefined };
}

/** Relays by the names of the keys they know; one that knows undefined is away. */
function edge(relays: Readonly<Record<string, string[] | undefined>>) {
  const known = new Map(Object.entries(relays));
  const asked: string[] = [];
  return {
    asked,
    key: { kid: "mine", publicKey: "public mine" },
    relays: [...known].map(([name, keys]) => ({ ...STATE, name, connected: keys !== undefined })),
    request(relay: string | undefined, method: string, path: string, body?: unknown) {
      asked.push(`${relay} ${method} ${path}`);
      const keys = known.get(relay ?? "");
      if (keys === undefined) return Promise.reject(new GatewayError("core_lost", "away"));
      return Promise.resolve(answer(keys, method, path, body));
    },
    known,
  };
}

test("the keys of all relays are one list, and a relay that is away is named", async () => {
  const it = edge({ "weur:1": ["mine", "old"], "enam:1": ["mine"], "apac:1": undefined });
  expect(await listKeys(it)).toEqual({
    keys: [
      {
        kid: "mine",
        publicKey: "public mine",
        addedAt: NOW,
        self: true,
        relays: ["weur:1", "enam:1"],
      },
      { kid: "old", publicKey: "public old", addedAt: NOW, self: false, relays: ["weur:1"] },
    ],
    unreachable: ["apac:1"],
  });
});

test("a key is added on every relay", async () => {
  const it = edge({ "weur:1": ["mine"], "enam:1": ["mine"] });
  expect(await addKey(it, "next")).toEqual({ publicKey: "next", relays: ["weur:1", "enam:1"] });
  expect([...it.known.values()]).toEqual([
    ["mine", "next"],
    ["mine", "next"],
  ]);
});

test("a relay with two keys already says so by its name", async () => {
  const it = edge({ "weur:1": ["mine", "old"] });
  await expect(addKey(it, "next")).rejects.toMatchObject({
    code: "conflict",
    message: "Relay weur:1 refused (409): two keys already",
  });
});

test.each([
  ["added", (it: ReturnType<typeof edge>) => addKey(it, "next")],
  ["revoked", (it: ReturnType<typeof edge>) => revokeKey(it, "old")],
])("no key is %s while a relay is away", async (_name, change) => {
  const it = edge({ "weur:1": ["mine", "old"], "enam:1": undefined });
  await expect(change(it)).rejects.toMatchObject({
    code: "core_lost",
    message: expect.stringContaining("enam:1 is not connected"),
  });
  expect(it.asked).toEqual([]);
});

test("a key is revoked wherever it is known", async () => {
  const it = edge({ "weur:1": ["mine", "old"], "enam:1": ["mine"] });
  expect(await revokeKey(it, "old")).toEqual({ kid: "old", relays: ["weur:1"] });
  await expect(revokeKey(it, "old")).rejects.toMatchObject({ code: "not_found" });
});

test("a core does not shut itself out", async () => {
  const it = edge({ "weur:1": ["mine", "old"] });
  await expect(revokeKey(it, "mine")).rejects.toMatchObject({ code: "conflict" });
  expect(it.known.get("weur:1")).toEqual(["mine", "old"]);
});
