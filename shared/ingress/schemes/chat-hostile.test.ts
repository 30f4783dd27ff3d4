/** What a stranger, or a sender gone mad, may send to any of the chat schemes. */
import { describe, expect, test } from "vitest";
import { received } from "../../../test/support/received-webhook.ts";
import { utf8 } from "../../bytes.ts";
import { err } from "../../result.ts";
import { boundScheme, type Checkable } from "../registry.ts";
import type { RefusalReason, SchemeTools } from "../scheme.ts";

const digests = ["A".repeat(43)];
const secrets = ["c2VjcmV0c2VjcmV0c2VjcmV0"];
const publicKeys = ["d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"];

const SCHEMES: readonly Checkable[] = [
  { scheme: "telegram", digests },
  { scheme: "discord", publicKeys },
  { scheme: "discord-events", publicKeys },
  { scheme: "slack", secrets },
  { scheme: "meta", secrets, verifyTokens: digests },
  { scheme: "line", secrets },
  { scheme: "teams", appIds: ["app"] },
  { scheme: "teams-outgoing", secrets },
  { scheme: "google-chat", kind: "url", audiences: ["https://edge.example/"] },
  { scheme: "twilio", secrets },
];
const tools: SchemeTools = { jwt: async () => err({ reason: "unknown_key" }) };

const HEADERS = [
  "x-telegram-bot-api-secret-token",
  "x-signature-ed25519",
  "x-signature-timestamp",
  "x-slack-signature",
  "x-slack-request-timestamp",
  "x-hub-signature-256",
  "x-line-signature",
  "authorization",
  "x-twilio-signature",
  "i-twilio-idempotency-token",
];
const VALUES = [
  "",
  "=",
  "v0=",
  "sha256=",
  "Bearer",
  "Bearer ..",
  "HMAC",
  "HMAC =",
  "\u00ff\u00fe",
  "0".repeat(64),
  `v0=${"0".repeat(64)}`,
  `sha256=${"0".repeat(64)}`,
  "A".repeat(100_000),
  "-1",
  "NaN",
  "99999999999",
  "__proto__",
];

const OF_WHOLE: ReadonlySet<RefusalReason> = new Set(["mismatch", "unknown_key"]);

const DEEP = 100_000;
const BODIES: readonly (readonly [string, unknown])[] = [
  ["nothing", ""],
  ["a byte", new Uint8Array([0])],
  ["malformed UTF-8", new Uint8Array([0x7b, 0x22, 0xff, 0xc0, 0x80, 0xed, 0xa0, 0x80, 0x22, 0x7d])],
  ["UTF-16", new Uint8Array([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00])],
  ["a byte order mark", `\u{feff}{"update_id":1}`],
  ["half a character", '{"type":"\\ud800","id":"\\udfff","update_id":1}'],
  ["a tower of lists", "[".repeat(DEEP) + "]".repeat(DEEP)],
  ["a tower of objects", `{"a":`.repeat(DEEP) + "1" + "}".repeat(DEEP)],
  ["an open tower", "[".repeat(DEEP)],
  [
    "a tower within an event",
    `{"object":"page","entry":[{"changes":[{"a":${"[".repeat(DEEP)}${"]".repeat(DEEP)}}]}],"events":[]}`,
  ],
  ["lists for objects", { object: [], entry: [[]], events: [[]], message: [], type: [], id: [] }],
  ["numbers for texts", { object: 1, entry: 1, events: 1, type: 1, id: 1, update_id: 1, chat: 1 }],
  ["nulls", { object: null, entry: null, events: null, type: null, id: null, update_id: null }],
  ["a prototype", '{"__proto__":{"update_id":1,"type":"message"},"constructor":{"prototype":{}}}'],
  [
    "prototypes within events",
    '{"object":"page","entry":[{"id":"1","__proto__":{"polluted":1},"changes":[{"__proto__":{"polluted":1}}],"messaging":[{"__proto__":{"polluted":1}}]}],"events":[{"__proto__":{"polluted":1}},{"__proto__":{"polluted":1}}],"destination":"x"}',
  ],
  ["a huge number", '{"update_id":1e999,"type":1e999}'],
  ["a form", "payload=%7B%22type%22%3A%22x%22%7D&payload=%FF%FE&%=%&AccountSid=%00&From=%ED%A0%80"],
  ["a form of a deep payload", `payload=${"[".repeat(DEEP)}`],
  ["many fields", Array.from({ length: 20_000 }, (_, index) => `a${index % 7}=${index}`).join("&")],
  ["text", "hello"],
];

function attempt(body: unknown, headers: Headers) {
  return received({
    body,
    headers,
    now: 1_700_000_000_000,
    url: "https://edge.example/hooks/r?a=%27",
  });
}

describe.each(SCHEMES.map((one) => [one.scheme, boundScheme(one)] as const))(
  "%s",
  (_name, scheme) => {
    test("no header of a stranger is taken for proof, and none breaks it", async () => {
      const sets = VALUES.map((value) => new Headers(HEADERS.map((name) => [name, value])));
      for (const headers of [new Headers(), ...sets]) {
        const webhook = attempt({ update_id: 1, type: "message" }, headers);
        const screened = await scheme.screen(headers, webhook.now);
        const verified = await scheme.verify(webhook, tools);
        expect(verified.ok).toBe(false);
        // What the headers alone can tell is told before a byte of the body is read.
        const isOfHeaders = !verified.ok && !OF_WHOLE.has(verified.error.reason);
        if (isOfHeaders || !screened.ok) expect(screened).toEqual(verified);
      }
    });

    test.each(BODIES)("%s for a body breaks nothing", async (_what, body) => {
      const webhook = attempt(body, new Headers());
      const identified = await scheme.identify(webhook);
      const items = identified.ok ? identified.value : [];
      for (const { id, lane, value } of items) {
        expect(id).toMatch(/^r:[\x21-\x7e]{1,200}$/);
        expect(lane).toMatch(/^r(?::[\x21-\x7e]{1,200})?$/);
        expect(() => JSON.stringify(value)).not.toThrow();
      }
      expect(scheme.handshake(webhook)?.status ?? 200).toBeLessThan(300);
      expect(scheme.accepted(webhook, items).status).toBeLessThan(300);
      expect(Object.getPrototypeOf({})).not.toHaveProperty("polluted");
    });

    test("no address with a challenge breaks it", async () => {
      for (const query of [
        "",
        "?hub.mode=subscribe",
        "?hub.challenge=%FF&hub.verify_token=%FF&hub.mode=subscribe",
      ]) {
        const response = await scheme.challenge?.(new URL(`https://edge.example/hooks/r${query}`));
        expect(response?.status ?? 403).toBe(403);
      }
    });

    test("a body as large as it may be is read in one go", async () => {
      const body = utf8(
        `{"update_id":1,"text":"${"\\".repeat(2)}${"x".repeat(scheme.maxBodyBytes - 64)}"}`,
      );
      expect((await scheme.identify(attempt(body, new Headers()))).ok).toBeTypeOf("boolean");
    });
  },
);

function nested(levels: number): string {
  return `{"events":[{"a":${"[".repeat(levels)}${"]".repeat(levels)}}]}`;
}

test("what a sender nests is kept, up to more than any of them does", async () => {
  const line = boundScheme({ scheme: "line", secrets });
  expect((await line.identify(received({ body: nested(200) }))).ok).toBe(true);
  expect((await line.identify(received({ body: nested(300) }))).ok).toBe(false);
  // Brackets in a text, behind an escaped quote, are no nesting.
  const text = JSON.stringify({ events: [{ text: `\\"${"[{".repeat(500)}` }] });
  expect((await line.identify(received({ body: text }))).ok).toBe(true);
});
