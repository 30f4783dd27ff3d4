import { expect, test } from "vitest";
import { randomToken } from "../shared/bytes.ts";
import { Secret } from "../shared/secret.ts";
import { createSealer } from "./seal.ts";

const KEY = randomToken();
const sealer = createSealer(new Secret(KEY));
const PLAIN = '{"routes":[{"secret":"whsec_hunter2 ünïcode"}]}';

test("what was sealed opens again, with the same key, elsewhere", async () => {
  const sealed = await sealer.seal(7, PLAIN);
  expect(await createSealer(new Secret(KEY)).open(sealed)).toBe(PLAIN);
});

test("nothing of it can be read, and the same text never looks the same", async () => {
  const [one, two] = [await sealer.seal(7, PLAIN), await sealer.seal(7, PLAIN)];
  expect(one).not.toBe(two);
  expect(atob(one.split(".")[2]?.replaceAll("-", "+").replaceAll("_", "/") ?? "")).not.toContain(
    "hunter2",
  );
  // Version, IV and tag beside the text itself.
  expect(one).toMatch(/^v1\.7\.[\w-]+$/);
});

test("another key opens nothing", async () => {
  const sealed = await sealer.seal(7, PLAIN);
  expect(await createSealer(new Secret(randomToken())).open(sealed)).toBeUndefined();
});

test.each<[string, (sealed: string) => string]>([
  ["empty", () => ""],
  ["not sealed", () => PLAIN],
  ["of another form", (sealed) => sealed.replace("v1.", "v2.")],
  ["said to be of another version", (sealed) => sealed.replace("v1.7.", "v1.8.")],
  ["without its version", (sealed) => sealed.replace("v1.7.", "v1..")],
  ["cut short", (sealed) => sealed.slice(0, -4)],
  ["cut down to its IV", (sealed) => sealed.slice(0, "v1.7.".length + 16)],
  ["shorter than an IV", () => "v1.7.AAAA"],
  ["longer", (sealed) => `${sealed}AAAA`],
  [
    "changed in its IV",
    (sealed) => sealed.replace(/^(v1\.7\.)./, (_all, head) => `${head}${flip(sealed[5])}`),
  ],
  [
    "changed in its text",
    (sealed) => `${sealed.slice(0, 30)}${flip(sealed[30])}${sealed.slice(31)}`,
  ],
  ["no base64", (sealed) => `${sealed}!`],
])("a text that is %s does not open", async (_name, spoil) => {
  const sealed = await sealer.seal(7, PLAIN);
  const spoilt = spoil(sealed);
  expect(spoilt).not.toBe(sealed);
  expect(await sealer.open(spoilt)).toBeUndefined();
});

test("a fingerprint is the same for the same text, and another with another key or text", async () => {
  const one = await sealer.fingerprint(PLAIN);
  expect(await createSealer(new Secret(KEY)).fingerprint(PLAIN)).toBe(one);
  expect(await sealer.fingerprint(`${PLAIN} `)).not.toBe(one);
  expect(await createSealer(new Secret(randomToken())).fingerprint(PLAIN)).not.toBe(one);
});

test.each(["", "short", "a".repeat(44), "a".repeat(42) + "+", `${KEY}\n`])(
  "%j is no key",
  (text) => {
    expect(() => createSealer(new Secret(text))).toThrow("32 bytes");
  },
);

function flip(char: string | undefined): string {
  return char === "A" ? "B" : "A";
}
