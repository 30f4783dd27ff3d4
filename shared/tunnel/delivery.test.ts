import { expect, test } from "vitest";
import { LIMITS } from "../limits.ts";
import {
  deliveryFields,
  deliveryHeaders,
  encodeAnswer,
  readAnswer,
  readDelivery,
} from "./delivery.ts";
import { decodeFields, encodeFields } from "./fields.ts";

const HEAD = {
  id: "update-7",
  route: "telegram",
  items: [{ id: "update-7", lane: "chat-1" }],
  receivedAt: 1_763_800_000_000,
  requestId: "request-1",
  token: "12",
  verified: "telegram",
  secret: 1,
  method: "POST",
  query: "?a=%C3%A4",
  ip: "2001:db8::1",
  syncMs: 2_000,
  attempts: 3,
};

const TWO = [
  { id: "m1", lane: "chat-1" },
  { id: "m2", lane: "chat-2" },
];

function roundTrip(change: Partial<typeof HEAD>): unknown {
  const encoded = encodeFields(deliveryFields({ ...HEAD, ...change }, []));
  if (!encoded.ok) throw new Error(encoded.error.reason);
  const fields = decodeFields(encoded.value);
  if (!fields.ok) throw new Error(fields.error.reason);
  const read = readDelivery(fields.value);
  if (!read.ok) throw new Error(read.error.reason);
  return read.value.items;
}

test("the head of a webhook comes back as it was", () => {
  const headers = deliveryHeaders(new Headers({ "Content-Type": "application/json" }));
  const read = readDelivery(deliveryFields(HEAD, headers));
  if (!read.ok) throw new Error(read.error.reason);
  const { headers: got, ...rest } = read.value;
  expect(rest).toEqual(HEAD);
  expect([...got]).toEqual([["content-type", "application/json"]]);
});

test.each([
  ["several events", TWO],
  ["one event that is not the whole", [{ id: "m1", lane: "chat-1" }]],
  ["a lane that no header can hold", [{ id: "update-7", lane: "чат\n\u2028" }]],
])("%s of a webhook come back as they were", (_name, items) => {
  expect(roundTrip({ items })).toEqual(items);
});

test.each([
  ["no JSON", "[["],
  ["no list", "{}"],
  ["none", "[]"],
  ["an id too few", '[["a"]]'],
  ["one without a name", '[["","lane"]]'],
  ["a number", '[[1,"lane"]]'],
  [
    "too many",
    JSON.stringify(Array.from({ length: LIMITS.maxWebhookItems + 1 }, () => ["a", "b"])),
  ],
])("a webhook whose events are %s is refused", (_name, text) => {
  const fields = [...deliveryFields(HEAD, []), [":items", text] as const];
  expect(readDelivery(fields)).toEqual({ ok: false, error: { reason: "items" } });
});

test("counts that are none count as nothing, and nobody makes the core wait for ever", () => {
  const hostile = deliveryFields(HEAD, []).map(([name, value]): [string, string] => [
    name,
    [":secret", ":attempts"].includes(name) ? "-1e9" : name === ":sync-ms" ? "999999999" : value,
  ]);
  const read = readDelivery(hostile);
  if (!read.ok) throw new Error(read.error.reason);
  const { secret, attempts, syncMs } = read.value;
  expect([secret, attempts, syncMs]).toEqual([0, 0, LIMITS.maxSyncMs]);
});

test.each([
  "Authorization",
  "Cookie",
  "X-Telegram-Bot-Api-Secret-Token",
  "X-OpenClaw-Token",
  "X-Gitlab-Token",
  "X-Gw-Internal-Call",
  "CF-Ray",
  "X-Forwarded-For",
])("a webhook's %s is neither stored nor forwarded", (name) => {
  expect(deliveryHeaders(new Headers({ [name]: "secret" }))).toEqual([]);
});

test("a header that a route names as its secret is neither stored nor forwarded", () => {
  expect(deliveryHeaders(new Headers({ "X-My-Key": "s", "X-Other": "v" }), "x-my-key")).toEqual([
    ["x-other", "v"],
  ]);
});

test.each([":id", ":route", ":lane", ":received-at"])("a webhook without %s is refused", (name) => {
  const fields = deliveryFields(HEAD, []).filter(([field]) => field !== name);
  expect(readDelivery(fields)).toEqual({ ok: false, error: { reason: "incomplete" } });
});

test("a webhook with a header that none can be is refused", () => {
  expect(readDelivery(deliveryFields(HEAD, [["bad name", "v"]])).ok).toBe(false);
});

test("a relay that needs no token and names no request is understood", () => {
  const fields = deliveryFields(HEAD, []).filter(
    ([name]) => name !== ":token" && name !== ":request-id",
  );
  const read = readDelivery(fields);
  expect(read.ok && [read.value.token, read.value.requestId]).toEqual(["", HEAD.id]);
});

test("an answer comes back as it was, its reason fit for a header", () => {
  const answer = { id: "d", token: "3", duplicate: true, retryAfterMs: 1_500, reason: "full\n€" };
  const fields = decodeFields(encodeAnswer(answer));
  if (!fields.ok) throw new Error(fields.error.reason);
  expect(readAnswer(fields.value)).toEqual({ ...answer, reason: "full??" });
});

const ANSWER = { id: "d", token: "", duplicate: false, retryAfterMs: 0, reason: "" };

test("what a sender that waits is answered comes back as it was", () => {
  const body = new Uint8Array([0, 255, 10, 13, 34]);
  const sync = { status: 200, contentType: "application/json", body };
  const fields = decodeFields(encodeAnswer({ ...ANSWER, sync }));
  if (!fields.ok) throw new Error(fields.error.reason);
  expect(readAnswer(fields.value).sync).toEqual(sync);
});

test("an answer too long for a head is left out, and the webhook acknowledged", () => {
  const body = new Uint8Array(LIMITS.maxSyncAnswerBytes + 1);
  const sync = { status: 200, contentType: "text/plain", body };
  const fields = decodeFields(encodeAnswer({ ...ANSWER, sync }));
  expect(fields.ok && readAnswer(fields.value)).toEqual({ ...ANSWER, sync: undefined });
});

test.each([
  ["a status that is none", "ok", ""],
  ["a status that ends no request", "101", ""],
  ["a status out of range", "600", ""],
  ["a body that is not base64url", "200", "a+/="],
])("an answer with %s is no answer to the sender", (_name, status, body) => {
  const fields = [
    [":sync-status", status],
    [":sync-body", body],
  ] as const;
  expect(readAnswer(fields).sync).toBeUndefined();
});

test("an answer that says nothing is read as nothing", () => {
  const nothing = { ...ANSWER, id: "", sync: undefined };
  expect(readAnswer([])).toEqual(nothing);
  expect(readAnswer([[":retry-after-ms", "soon"]])).toEqual(nothing);
});
