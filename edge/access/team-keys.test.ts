import { exportJWK, generateKeyPair, jwtVerify, SignJWT } from "jose";
import { beforeEach, expect, test, vi } from "vitest";
import { TeamKeys } from "./team-keys.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const ISSUER = "https://acme.cloudflareaccess.com";

const pair = await generateKeyPair("RS256");
const jwk = { ...(await exportJWK(pair.publicKey)), kid: "k1", alg: "RS256" };

let answer: () => Promise<Response>;
let urls: string[];
let keys: TeamKeys;

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  answer = async () => Response.json({ keys: [jwk] });
  urls = [];
  keys = new TeamKeys(ISSUER, (url) => {
    urls.push(url);
    return answer();
  });
});

const keepAlive = (): void => undefined;

async function isKnown(kid: string | undefined, now: number): Promise<boolean> {
  return (await keys.finderFor(kid, keepAlive, now)) !== undefined;
}

test("the keys of a team verify what it has signed", async () => {
  const find = await keys.finderFor("k1", keepAlive, 0);
  if (find === undefined) throw new Error("no keys");
  const token = new SignJWT({}).setProtectedHeader({ alg: "RS256", kid: "k1" });
  expect((await jwtVerify(await token.sign(pair.privateKey), find)).payload).toEqual({});
  expect(urls).toEqual([`${ISSUER}/cdn-cgi/access/certs`]);
});

test("known keys are asked for again once an hour", async () => {
  for (let now = 0; now <= 2 * HOUR_MS; now += HOUR_MS / 4) await isKnown("k1", now);
  expect(urls).toHaveLength(2);
});

test("ids of keys that do not exist cost one question in half a minute", async () => {
  for (let now = 0; now < 60_000; now += 100) await isKnown(`made-up-${now}`, now);
  expect(urls).toHaveLength(2);
});

test("without any keys, a question that failed is not asked with each attempt", async () => {
  answer = () => Promise.reject(new Error("down"));
  for (let now = 0; now < 60_000; now += 100) expect(await isKnown("k1", now)).toBe(false);
  expect(urls).toHaveLength(2);
});

test("keys that cannot be had anew are good for a week and no longer", async () => {
  expect(await isKnown("k1", 0)).toBe(true);
  answer = () => Promise.reject(new Error("down"));
  expect(await isKnown("k1", 7 * DAY_MS)).toBe(true);
  expect(await isKnown("k1", 7 * DAY_MS + 60_000)).toBe(false);
});

test.each<[string, () => Response]>([
  ["an error", () => Response.json({ keys: [jwk] }, { status: 500 })],
  [
    "the way to another place",
    () => new Response(null, { status: 302, headers: { Location: "/" } }),
  ],
  ["a page", () => new Response("<html>")],
  ["no list", () => Response.json({ keys: "none" })],
  ["keys without names", () => Response.json({ keys: [{ kty: "RSA" }] })],
  ["more than anyone has", () => Response.json({ keys: Array.from({ length: 33 }, () => jwk) })],
  ["too much to read", () => new Response(" ".repeat(65_537))],
])("%s instead of keys leaves the door shut", async (_name, response) => {
  answer = async () => response();
  expect(await isKnown("k1", 0)).toBe(false);
});
