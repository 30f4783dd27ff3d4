import { expect, test } from "vitest";
import { CALL_HEADER, encodeCall, RelayCall } from "./relay-call.ts";

const call: RelayCall = {
  v: 1,
  kind: "http",
  requestId: "12345678",
  client: { ip: "192.0.2.1" },
  origin: "https://edge.example",
  principal: { subject: "owner", scopes: ["operator"] },
  digest: "d",
  deadlineMs: 1000,
};

test.each([
  ["plain", "owner"],
  ["not Latin-1", "Zoë 王 🗝"],
  ["a line break and a NUL", "a\r\nX-Evil: 1\u0000"],
  ["half a surrogate pair", "\ud800"],
  ["DEL", "\u007f"],
])("a subject that is %s survives as a header", (_name, subject) => {
  const given = { ...call, principal: { subject, scopes: ["operator" as const] } };
  const headers = new Headers({ [CALL_HEADER]: encodeCall(given) });
  const read = RelayCall.parse(JSON.parse(headers.get(CALL_HEADER) ?? ""));
  expect(read).toEqual(given);
});
