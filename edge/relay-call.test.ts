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

test.each([null, "{}", '{"v":2,"kind":"http"}', '{"v":1,"kind":"toString"}'])(
  "%s is no call",
  (header) => {
    expect(() => decodeCall(header)).toThrow(RangeError);
  },
);
