import { expect, test } from "vitest";
import { type Bindings, readSettings, sealerOf } from "./env.ts";
import { createSealer } from "./seal.ts";

/** Never called: settings are strings alone. */
const RELAY: DurableObjectNamespace = Object.create(null);

const good: Bindings = { RELAY, TENANT: "default", RELAYS: "weur:1" };
const fingerprint = "ab".repeat(32);

test("a relay is named after tenant, region and generation, and all else is off", () => {
  expect(readSettings(good)).toEqual({
    relays: [{ name: "weur:1", object: "relay:v1:default:weur:1:0", region: "weur" }],
    draining: [],
    pairingSecret: undefined,
    sealKey: undefined,
    login: undefined,
    access: undefined,
    fingerprints: [],
  });
});

test("a deployment that names its one relay by region and generation keeps it", () => {
  const { RELAYS: _, ...old } = { ...good, RELAY_REGION: "apac-ne", RELAY_GENERATION: "2" };
  const place = { name: "apac-ne:2", object: "relay:v1:default:apac-ne:2:0", region: "apac-ne" };
  expect(readSettings(old).relays).toEqual([place]);
  expect(readSettings({ ...old, RELAYS: "weur:1" }).relays).toMatchObject([{ name: "weur:1" }]);
});

test("several relays stand in the order they are written", () => {
  const { relays, draining } = readSettings({
    ...good,
    RELAYS: "weur:2, enam:1",
    RELAYS_DRAINING: "weur:1",
  });
  expect(relays.map(({ name }) => name)).toEqual(["weur:2", "enam:1"]);
  expect(draining).toMatchObject([{ object: "relay:v1:default:weur:1:0" }]);
});

test("a variable set to nothing is not set", () => {
  const empty = { RELAYS_DRAINING: "", LOGIN: "", ACCESS_TEAM: "", ACCESS_AUD: "", SEAL_KEY: "" };
  expect(readSettings({ ...good, ...empty, MTLS_FINGERPRINTS: "" })).toEqual(readSettings(good));
});

test.each([
  ["by its name", "acme", "https://acme.cloudflareaccess.com"],
  ["by the origin of its keys", "https://acme.example", "https://acme.example"],
  ["on this machine", "http://127.0.0.1:8080", "http://127.0.0.1:8080"],
])("an Access team is given %s", (_name, ACCESS_TEAM, issuer) => {
  const { access } = readSettings({ ...good, ACCESS_TEAM, ACCESS_AUD: "aud" });
  expect(access).toEqual({ issuer, audience: "aud" });
});

test("fingerprints are read in Cloudflare's and in openssl's way of writing", () => {
  const openssl = Array.from({ length: 32 }, () => "AB").join(":");
  const { fingerprints } = readSettings({
    ...good,
    MTLS_FINGERPRINTS: `${fingerprint}, ${openssl}`,
  });
  expect(fingerprints).toEqual([fingerprint, fingerprint]);
});

test("a seal key opens the same seal in the Worker and in the relay", async () => {
  const bindings = { ...good, SEAL_KEY: "k".repeat(42) + "A" };
  const { sealKey } = readSettings(bindings);
  if (sealKey === undefined) throw new Error("no key");
  const sealed = await sealerOf(bindings)?.seal(1, "text");
  expect(await createSealer(sealKey).open(sealed ?? "")).toBe("text");
});

test("a relay without a key, or with a bad one, has nothing to seal with, and wakes all the same", () => {
  expect(sealerOf(good)).toBeUndefined();
  expect(sealerOf({ ...good, SEAL_KEY: "short" })).toBeUndefined();
});

test.each<[string, Partial<Bindings>, string]>([
  [
    "a seal key that is too short",
    { SEAL_KEY: "hunter2" },
    "SEAL_KEY (32 bytes as URL-safe base64)",
  ],
  ["a region Cloudflare does not have", { RELAYS: "moon:1" }, "RELAYS (regions are wnam"],
  ["a relay without a generation", { RELAYS: "weur" }, "RELAYS (a relay is <region>:<generation>)"],
  ["an empty generation", { RELAYS: "weur:" }, "RELAYS (1 to 32"],
  ["a relay in four parts", { RELAYS: "weur:1:0:0" }, "RELAYS (a relay is"],
  ["no relay at all", { RELAYS: "" }, "RELAYS (name one relay at least)"],
  ["an empty name between commas", { RELAYS: "weur:1,,enam:1" }, "RELAYS (a relay is"],
  ["the same relay twice", { RELAYS: "weur:1,weur:1" }, "RELAYS (a relay is named twice)"],
  ["five relays", { RELAYS: "weur:1,weur:2,weur:3,weur:4,weur:5" }, "RELAYS (4 relays at most)"],
  [
    "a relay that takes work and drains",
    { RELAYS: "weur:1,enam:1", RELAYS_DRAINING: "enam:1" },
    "RELAYS_DRAINING (a relay is in RELAYS as well)",
  ],
  ["a tenant that would name another relay", { TENANT: "a:b" }, "TENANT"],
  ["no tenant", { TENANT: undefined }, "TENANT (1 to 32 of a-z, 0-9 and -)"],
  ["a number in place of text", JSON.parse('{"ACCESS_AUD":5}'), "ACCESS_AUD (must be text)"],
  ["a pairing secret that can be guessed", { PAIRING_SECRET: "hunter2" }, "PAIRING_SECRET"],
  ["an Access team without an audience", { ACCESS_TEAM: "acme" }, "ACCESS_AUD (goes with"],
  ["an audience without an Access team", { ACCESS_AUD: "an-audience" }, "ACCESS_AUD (goes with"],
  [
    "keys that come over a line anyone can change",
    { ACCESS_TEAM: "http://acme.example", ACCESS_AUD: "an-audience" },
    "ACCESS_TEAM (a team name",
  ],
  ["a login that is neither on nor off", { LOGIN: "maybe" }, "LOGIN (on or off)"],
  ["a fingerprint of SHA-1", { MTLS_FINGERPRINTS: "ab".repeat(20) }, "MTLS_FINGERPRINTS"],
])("%s is refused by name and without its value", (_name, change, complaint) => {
  const read = (): unknown => readSettings({ ...good, ...change });
  expect(read).toThrow(`Bad edge settings: ${complaint}`);
  for (const value of Object.values(change)) {
    if (typeof value === "string" && value.length > 4) expect(read).not.toThrow(value);
  }
});

test("a deployment that names no relay is told so", () => {
  const { RELAYS: _, ...none } = good;
  expect(() => readSettings(none)).toThrow("RELAYS (");
});

test("the pairing secret cannot be printed", () => {
  const settings = readSettings({ ...good, PAIRING_SECRET: "0123456789012345678901" });
  expect(JSON.stringify(settings)).not.toContain("0123456789");
});
