import { expect, test } from "vitest";
import { type Bindings, readSettings } from "./env.ts";

/** Never called: settings are strings alone. */
const RELAY: DurableObjectNamespace = Object.create(null);

const good: Bindings = { RELAY, TENANT: "default", RELAY_REGION: "weur", RELAY_GENERATION: "1" };

test("the relay is named after tenant, region and generation", () => {
  expect(readSettings(good)).toEqual({
    relayName: "relay:v1:default:weur:1:0",
    relayRegion: "weur",
    pairingSecret: undefined,
  });
});

test.each([
  ["a region Cloudflare does not have", { RELAY_REGION: "moon" }, "RELAY_REGION"],
  ["a tenant that would name another relay", { TENANT: "a:b" }, "TENANT"],
  ["an empty generation", { RELAY_GENERATION: "" }, "RELAY_GENERATION"],
  ["a pairing secret that can be guessed", { PAIRING_SECRET: "hunter2" }, "PAIRING_SECRET"],
])("%s is refused by name and without its value", (_name, change, variable) => {
  const read = (): unknown => readSettings({ ...good, ...change });
  expect(read).toThrow(`Bad edge settings: ${variable}`);
  for (const value of Object.values(change)) {
    if (value !== "") expect(read).not.toThrow(value);
  }
});

test("the pairing secret cannot be printed", () => {
  const settings = readSettings({ ...good, PAIRING_SECRET: "0123456789012345678901" });
  expect(JSON.stringify(settings)).not.toContain("0123456789");
});
