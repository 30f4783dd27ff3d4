import { expect, test } from "vitest";
import { fromUtf8 } from "../../shared/bytes.ts";
import type { SchemeName } from "../../shared/ingress/route.ts";
import { LIMITS } from "../../shared/limits.ts";
import { answerOf } from "./answers.ts";

test.each<[SchemeName, string, string]>([
  ["slack", "application/json; charset=utf-8", '{"response_type":"ephemeral","text":"a \\"b\\""}'],
  [
    "discord",
    "application/json; charset=utf-8",
    '{"type":4,"data":{"content":"a \\"b\\"","allowed_mentions":{"parse":[]}}}',
  ],
  [
    "twilio",
    "text/xml; charset=utf-8",
    '<?xml version="1.0" encoding="UTF-8"?><Response><Message>a &quot;b&quot;</Message></Response>',
  ],
  ["teams-outgoing", "application/json; charset=utf-8", '{"type":"message","text":"a \\"b\\""}'],
  ["google-chat", "application/json; charset=utf-8", '{"text":"a \\"b\\""}'],
  ["github", "text/plain; charset=utf-8", 'a "b"'],
])("%s is answered in its own words", (scheme, contentType, body) => {
  const answer = answerOf(scheme, 'a "b"');
  expect({ ...answer, body: fromUtf8(answer.body) }).toEqual({ status: 200, contentType, body });
});

test.each<[SchemeName, number]>([
  ["discord", 2_000],
  ["twilio", 1_600],
  ["google-chat", 4_096],
])("%s gets no more than it takes", (scheme, max) => {
  const text = fromUtf8(answerOf(scheme, `${"x".repeat(max - 2)}🏰🏰`).body);
  expect(text).toContain(`${"x".repeat(max - 2)}…`);
  expect(text.isWellFormed()).toBe(true);
});

test.each<SchemeName>(["slack", "github", "bearer", "twilio"])(
  "no answer to %s is longer than what the way back takes",
  (scheme) => {
    for (const char of ["\u0001", "é", "🏰", "<"]) {
      const { body } = answerOf(scheme, char.repeat(100_000));
      expect(body.byteLength).toBeLessThanOrEqual(LIMITS.maxSyncAnswerBytes);
      expect(body.byteLength).toBeGreaterThan(0);
    }
  },
);

test("what XML cannot hold is left out of it", () => {
  const { body } = answerOf("twilio", "a\u0000\u0008<b>&'\uFFFE\ud800");
  expect(fromUtf8(body)).toContain("<Message>a&lt;b&gt;&amp;&apos;\uFFFD</Message>");
});
