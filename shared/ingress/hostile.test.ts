/** What strangers send, over every scheme. */
import { expect, test } from "vitest";
import { Random } from "../../test/support/random.ts";
import { ADDRESS, allSenders, type Sender } from "../../test/support/secret-senders.ts";
import { received, schemeFor, verdictOf } from "../../test/support/webhooks.ts";
import { concat, fromBase64Url, utf8 } from "../bytes.ts";
import { fromBase64, hmac, toBase64 } from "./crypto.ts";

const AT = 1_700_000_000;
const TWO_DAYS = 2 * 86_400;

const senders = await allSenders();
const named = senders.map((sender) => [sender.name, sender] as const);
const signing = named.filter(([, { proves }]) => proves === "body");
const timed = named.filter(([, sender]) => sender.timed);

interface Sent {
  readonly settings: unknown;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly at: number;
  readonly url: string;
}

async function genuine(sender: Sender, text?: string | Uint8Array<ArrayBuffer>): Promise<Sent> {
  const given = text ?? sender.body(AT);
  const body = typeof given === "string" ? utf8(given) : given;
  const headers = await sender.sign(0, body, AT);
  return { settings: sender.settings(0), headers, body, at: AT, url: ADDRESS };
}

/** The same with another value of the header that holds the proof. */
function shown({ header }: Sender, sent: Sent, change: (proof: string) => string): Sent {
  const headers = new Headers(sent.headers);
  headers.set(header, change(headers.get(header) ?? ""));
  return { ...sent, headers };
}

/** Another character in the last third: within the signature, and still hexadecimal and base64. */
function flipped(proof: string): string {
  const at = proof.length - 8;
  return proof.slice(0, at) + (proof[at] === "a" ? "b" : "a") + proof.slice(at + 1);
}

test.each(named)("%s: what is genuine is let in", async (_name, sender) => {
  expect(await verdictOf(await genuine(sender))).toBe("genuine");
});

test.each(named)("%s: without its proof there is none", async (_name, sender) => {
  const sent = await genuine(sender);
  const headers = new Headers(sent.headers);
  headers.delete(sender.header);
  // Adyen's other kind of webhooks has its proof in the body, which this one is not.
  const expected = sender.name.startsWith("adyen") ? "bad_format" : "missing_header";
  expect(await verdictOf({ ...sent, headers })).toBe(expected);
});

const broken: readonly (readonly [string, (proof: string) => string])[] = [
  ["is empty", () => ""],
  ["is cut short", (proof) => proof.slice(0, -1)],
  ["is cut by two", (proof) => proof.slice(0, -2)],
  ["has garbage behind it", (proof) => `${proof}zz`],
  ["has two more digits behind it", (proof) => `${proof}00`],
  ["has two more digits before it", (proof) => `00${proof}`],
  ["holds what is no digit", (proof) => `${proof.slice(0, -6)}!?%&()`],
  ["has one bit flipped", flipped],
  ["is another word", () => "undefined"],
  ["is megabytes of digits", () => "a".repeat(2_000_000)],
  ["is thousands of parts", (proof) => `${proof},`.repeat(5_000)],
  ["is thousands of parts apart", (proof) => `${proof} `.repeat(5_000)],
  ["is thousands of parts with semicolons", (proof) => `${proof};`.repeat(5_000)],
  ["holds what is no ASCII", (proof) => `${proof.slice(0, -1)}\u00e9`],
];

test.each(
  named.flatMap(([name, sender]) => broken.map((row) => [name, row[0], sender, row[1]] as const)),
)("%s: a proof that %s is refused", async (_name, _what, sender, change) => {
  const verdict = await verdictOf(shown(sender, await genuine(sender), change));
  expect(["bad_format", "mismatch", "missing_header"]).toContain(verdict);
});

test.each(named)(
  "%s: a proof sent twice is taken only where it is a list",
  async (_name, sender) => {
    const sent = shown(sender, await genuine(sender), (proof) => `${proof}, ${proof}`);
    const verdict = await verdictOf(sent);
    if (!sender.isList) expect(verdict).not.toBe("genuine");
  },
);

test.each(signing)("%s: a body with one bit flipped is refused", async (_name, sender) => {
  const sent = await genuine(sender);
  const body = sent.body.slice();
  const last = body.length - 1;
  body[last] = (body[last] ?? 0) ^ 1;
  expect(await verdictOf({ ...sent, body })).toBe("mismatch");
});

test.each(signing)("%s: no body instead of one is refused", async (_name, sender) => {
  const verdict = await verdictOf({ ...(await genuine(sender)), body: new Uint8Array() });
  expect(verdict).toBe("mismatch");
});

test.each(named)("%s: another secret is refused", async (_name, sender) => {
  const sent = await genuine(sender);
  expect(await verdictOf({ ...sent, settings: sender.settings(1) })).toBe("mismatch");
});

test.each(named)(
  "%s: while secrets change, both are good and it is told which",
  async (_name, sender) => {
    const sent = await genuine(sender);
    expect(await verdictOf({ ...sent, settings: sender.settings(0, 1) })).toBe("genuine");
    expect(await verdictOf({ ...sent, settings: sender.settings(1, 0) })).toBe("genuine 1");
    expect(await verdictOf({ ...sent, settings: sender.settings(1, 2, 0) })).toBe("genuine 2");
  },
);

test.each(named)("%s: once secrets have changed, the old one is refused", async (_name, sender) => {
  const sent = await genuine(sender);
  expect(await verdictOf({ ...sent, settings: sender.settings(1, 2) })).toBe("mismatch");
});

test.each(timed)(
  "%s: what is sent again much later or dated ahead is refused",
  async (_name, sender) => {
    const sent = await genuine(sender);
    expect(await verdictOf({ ...sent, at: AT + TWO_DAYS })).toBe("stale");
    expect(await verdictOf({ ...sent, at: AT - TWO_DAYS })).toBe("future");
  },
);

const bodies: readonly (readonly [string, Uint8Array<ArrayBuffer>])[] = [
  ["an emoji", utf8('{"text":"\u{1f680} \u00fc"}')],
  ["an escaped emoji", utf8('{"text":"\\ud83d\\ude80 \\u00fc\\/"}')],
  ["spaces nobody would print again", utf8('{ "b" : 1.0 ,\r\n\t"a":1e2 }\n')],
  ["bytes that are no UTF-8", new Uint8Array([0x7b, 0xff, 0xfe, 0xc0, 0x80, 0x7d])],
  ["NUL bytes", new Uint8Array([0, 0x7b, 0, 0x7d, 0])],
  ["a byte order mark", utf8('\u{feff}{"a":1}')],
];

/** Linear's time stands in its body, Twilio's fields are read before they are signed. */
const bytewise = signing.filter(([name]) => !["linear", "twilio"].includes(name));

test.each(
  bytewise.flatMap(([name, sender]) =>
    bodies.map((row) => [name, row[0], sender, row[1]] as const),
  ),
)("%s: %s is signed byte for byte", async (_name, _what, sender, body) => {
  const sent = await genuine(sender, body);
  expect(await verdictOf(sent)).toBe("genuine");
  for (const [, other] of bodies) {
    if (other === body) continue;
    expect(await verdictOf({ ...sent, body: other })).toBe("mismatch");
  }
});

/** These sign the same way under the same name. */
const ALIKE = [
  ["github", "meta"],
  ["standard", "gitlab, signed", "svix"],
];

test.each(named)("%s: the proofs of other senders are refused", async (name, sender) => {
  for (const [otherName, other] of named) {
    if (name === otherName || ALIKE.some((all) => all.includes(name) && all.includes(otherName))) {
      continue;
    }
    const sent = { ...(await genuine(other)), settings: sender.settings(0) };
    expect(`${otherName}: ${await verdictOf(sent)}`).not.toContain("genuine");
  }
});

/** Everybody may know a public key: as a shared secret it would let everybody in. */
test.each([
  ["its text", (key: string) => utf8(key)],
  ["its text without the prefix", (key: string) => utf8(key.slice(5))],
  ["its bytes", (key: string) => fromBase64(key.slice(5))],
  ["its text read as base64", (key: string) => fromBase64Url(key.replace(/=+$/, ""))],
])("a public key is never a shared secret: %s", async (_name, secretOf) => {
  const key = `whpk_${toBase64(new Uint8Array(32).fill(7))}`;
  const body = utf8("{}");
  const secret = secretOf(key);
  if (secret === undefined) throw new TypeError("the key is well formed");
  const signature = await hmac("sha256", secret, concat([utf8(`msg_1.${AT}.`), body]));
  const headers = {
    "webhook-id": "msg_1",
    "webhook-timestamp": String(AT),
    "webhook-signature": `v1,${toBase64(signature)}`,
  };
  const settings = { scheme: "standard", secrets: [key] };
  expect(await verdictOf({ settings, headers, body, at: AT })).toBe("mismatch");
});

test.each(named)("%s: nothing that is sent makes it throw", async (name, sender) => {
  const random = new Random(name.length);
  const sent = await genuine(sender);
  const scheme = schemeFor(sender.settings(0, 1));
  for (let round = 0; round < 150; round += 1) {
    const headers = new Headers();
    for (const [header, value] of sent.headers) {
      if (random.below(8) > 0) headers.append(header, garbled(value, random));
    }
    const webhook = received({ ...sent, headers, body: garbledBytes(sent.body, random) });
    const screened = await scheme.screen(headers, webhook.now);
    const proof = await scheme.verify(webhook, {
      jwt: () => Promise.reject(new TypeError("none")),
    });
    const items = await scheme.identify(webhook);
    scheme.handshake(webhook);
    scheme.accepted(webhook, items.ok ? items.value : []);
    if (proof.ok) expect(screened.ok).toBe(true);
  }
});

function garbled(value: string, random: Random): string {
  const cut = value.slice(0, random.below(value.length + 1));
  const noise = Array.from({ length: random.below(6) }, () =>
    String.fromCharCode(0x21 + random.below(0x5e)),
  ).join("");
  return [value, cut, cut + noise, noise, `${value} ${noise}`][random.below(5)] ?? "";
}

function garbledBytes(body: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  const bytes = body.slice(0, random.below(body.length + 1));
  if (bytes.length > 0 && random.below(2) === 0) {
    bytes[random.below(bytes.length)] = random.below(256);
  }
  return random.below(3) === 0 ? body : bytes;
}
