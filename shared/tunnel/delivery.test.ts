import { expect, test } from "vitest";
import {
  deliveryFields,
  deliveryHeaders,
  encodeAnswer,
  readAnswer,
  readDelivery,
} from "./delivery.ts";
import { decodeFields } from "./fields.ts";

const HEAD = {
  id: "update-7",
  route: "telegram",
  lane: "chat-1",
  receivedAt: 1_763_800_000_000,
  requestId: "request-1",
  token: "12",
};

test("the head of a webhook comes back as it was", () => {
  const headers = deliveryHeaders(new Headers({ "Content-Type": "application/json" }));
  const read = readDelivery(deliveryFields(HEAD, headers));
  if (!read.ok) throw new Error(read.error.reason);
  const { headers: got, ...rest } = read.value;
  expect(rest).toEqual(HEAD);
  expect([...got]).toEqual([["content-type", "application/json"]]);
});

test.each([
  "Authorization",
  "Cookie",
  "X-Telegram-Bot-Api-Secret-Token",
  "X-OpenClaw-Token",
  "X-Gw-Internal-Call",
  "CF-Ray",
  "X-Forwarded-For",
])("a webhook's %s is neither stored nor forwarded", (name) => {
  expect(deliveryHeaders(new Headers({ [name]: "secret" }))).toEqual([]);
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

test("an answer that says nothing is read as nothing", () => {
  const nothing = { id: "", token: "", duplicate: false, retryAfterMs: 0, reason: "" };
  expect(readAnswer([])).toEqual(nothing);
  expect(readAnswer([[":retry-after-ms", "soon"]])).toEqual(nothing);
});
