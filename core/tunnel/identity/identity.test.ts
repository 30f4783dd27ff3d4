import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { createTunnelKey } from "../../../shared/tunnel/handshake.ts";
import { Identity, type Shelf } from "./identity.ts";

const EDGE = new URL("https://edge.example/");
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "sallyport-identity-"));
  onTestFinished(() => rm(dir, { recursive: true }));
});

function shelfOf(kept: Record<string, string>): Shelf {
  return {
    get: (name) => Promise.resolve(kept[name]),
    set: () => Promise.reject(new Error("nothing is put on the shelf any more")),
  };
}

test("a key made on the first start is the same on the next, and nobody else may read it", async () => {
  const first = await Identity.load(dir, EDGE);
  await first.pin("edge.example", "their-key");
  const second = await Identity.load(dir, EDGE);
  expect(second.key.kid).toBe(first.key.kid);
  expect(second.pinOf("edge.example")).toBe("their-key");
  expect((await stat(join(dir, "tunnel.json"))).mode & 0o777).toBe(0o600);
  expect(await readdir(dir)).toEqual(["tunnel.json"]);
});

test("two processes that start at once agree on one key", async () => {
  const all = await Promise.all(Array.from({ length: 8 }, () => Identity.load(dir, EDGE)));
  expect(new Set(all.map(({ key }) => key.kid)).size).toBe(1);
});

test("what the store kept is taken over, key and pin", async () => {
  const { key, jwk } = await createTunnelKey();
  const kept = {
    "tunnel.key": JSON.stringify(jwk),
    "tunnel.edge.edge.example": JSON.stringify({ edgeKey: "pinned" }),
  };
  const identity = await Identity.load(dir, EDGE, shelfOf(kept));
  expect([identity.key.kid, identity.pinOf("edge.example")]).toEqual([key.kid, "pinned"]);
  expect((await Identity.load(dir, EDGE)).key.kid).toBe(key.kid);
});

test("a file that was used outweighs the shelf; one that met no edge does not", async () => {
  const { key, jwk } = await createTunnelKey();
  const shelf = shelfOf({ "tunnel.key": JSON.stringify(jwk) });
  const standby = await Identity.load(dir, EDGE);
  const leader = await Identity.load(dir, EDGE, shelf);
  expect(leader.key.kid).toBe(key.kid);
  await standby.refresh();
  expect(standby.key.kid).toBe(key.kid);
  const other = await mkdtemp(join(tmpdir(), "sallyport-identity-"));
  onTestFinished(() => rm(other, { recursive: true }));
  const used = await Identity.load(other, EDGE);
  await used.pin("edge.example", "their-key");
  expect((await Identity.load(other, EDGE, shelf)).key.kid).toBe(used.key.kid);
});

test("changes made at once by two processes and within one are all kept", async () => {
  const one = await Identity.load(dir, EDGE);
  await Promise.all([one.pin("a", "1"), one.pin("b", "2"), one.keepRelays("a", ["weur:1"])]);
  const other = await Identity.load(dir, EDGE);
  await other.pin("c", "3");
  await one.pin("d", "4");
  expect(["a", "b", "c", "d"].map((host) => one.pinOf(host))).toEqual(["1", "2", "3", "4"]);
  expect(one.relaysOf("a")).toEqual(["weur:1"]);
});

test("the next key stays the next one until it is ours", async () => {
  const identity = await Identity.load(dir, EDGE);
  const next = await identity.next();
  expect((await identity.next()).kid).toBe(next.kid);
  expect(identity.key.kid).not.toBe(next.kid);
  await identity.promoteNext();
  expect(identity.key.kid).toBe(next.kid);
  expect((await identity.next()).kid).not.toBe(next.kid);
});

test.each([
  ["no JSON", "{"],
  ["nothing", ""],
  ["another file", '{"version":1}'],
  ["a key that is none", '{"key":{"kty":"OKP","crv":"Ed25519"}}'],
])("%s instead of the file stops the start, and stays as it is", async (_name, text) => {
  const path = join(dir, "tunnel.json");
  await writeFile(path, text);
  await expect(Identity.load(dir, EDGE)).rejects.toThrow("is not what we wrote there");
  expect(await readFile(path, "utf8")).toBe(text);
});

test("a file that breaks while we run costs nothing until the next start", async () => {
  const identity = await Identity.load(dir, EDGE);
  const { kid } = identity.key;
  await writeFile(join(dir, "tunnel.json"), "{");
  await identity.refresh();
  expect(identity.key.kid).toBe(kid);
});
