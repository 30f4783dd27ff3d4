import { expect, test } from "vitest";
import { CALL_HEADER, decodeCall, encodeCall, type RelayCall } from "./relay-call.ts";

const call: RelayCall = {
  v: 1,
  kind: "http",
  requestId: "12345678",
  subject: "owner",
  digest: "d",
  head: [[":method", "GET"]],
  bundleVersion: 1,
  startedAt: 1_760_000_000_000,
};

test.each([
  ["plain", "owner"],
  ["not Latin-1", "Zoë 王 🗝"],
  ["a line break and a NUL", "a\r\nX-Evil: 1\u0000"],
  ["half a surrogate pair", "\ud800"],
  ["DEL", "\u007f"],
])("a subject that is %s survives as a header", (_name, subject) => {
  const given = { ...call, subject };
  const headers = new Headers({ [CALL_HEADER]: encodeCall(given) });
  const read = decodeCall(headers.get(CALL_HEADER));
  expect(read).toEqual(given);
});

const delivery: RelayCall = {
  v: 1,
  kind: "deliver",
  requestId: "12345678",
  route: "shop",
  deliveryId: "shop:1",
  items: [
    { id: "shop:1", lane: "shop:a" },
    { id: "shop:2", lane: "shop:b" },
  ],
  receivedAt: 1_760_000_000_000,
  mode: "durable",
  syncMs: 0,
  verified: "stripe",
  secret: 1,
  method: "POST",
  query: "",
  ip: "",
};

test("a relay of the version before is told one lane of a webhook", () => {
  expect(JSON.parse(encodeCall(delivery))).toMatchObject({ deliveryId: "shop:1", lane: "shop:a" });
});

test("a webhook of a Worker of the version before is one event", () => {
  const { items: _items, mode: _mode, syncMs: _syncMs, ...older } = delivery;
  const { verified: _v, secret: _s, method: _m, query: _q, ip: _ip, ...known } = older;
  const read = decodeCall(JSON.stringify({ ...known, lane: "shop:a" }));
  expect(read).toMatchObject({
    items: [{ id: "shop:1", lane: "shop:a" }],
    mode: "express",
    verified: "edge",
    method: "POST",
  });
});

test("a webhook of a Worker of this version comes as it was sent", () => {
  expect(decodeCall(encodeCall(delivery))).toMatchObject(delivery);
});

test.each([null, "{}", '{"v":2,"kind":"http"}', '{"v":1,"kind":"toString"}'])(
  "%s is no call",
  (header) => {
    expect(() => decodeCall(header)).toThrow(RangeError);
  },
);
