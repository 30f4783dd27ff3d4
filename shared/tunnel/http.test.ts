import { expect, test } from "vitest";
import type { Fields } from "./fields.ts";
import {
  mayHaveBody,
  readRequest,
  readResponse,
  requestFields,
  type RequestMeta,
  responseFields,
} from "./http.ts";

const META: RequestMeta = {
  requestId: "request-1",
  clientIp: "203.0.113.9",
  country: "DE",
  principal: { subject: "owner", scopes: ["chat"] },
  deadlineMs: 300_000,
};
const URL_OF_CLIENT = new URL("https://edge.example/v1/chat?q=%C3%A9&q=2");
const TARGET = {
  method: "POST",
  scheme: "https",
  authority: "edge.example",
  path: "/v1/chat?q=%C3%A9&q=2",
};

function sent(headers: Record<string, string>, meta = META): Fields {
  return requestFields(TARGET, new Headers(headers), meta);
}

test("a request comes back as it was, with what the edge knows of the client", () => {
  const read = readRequest(sent({ "Content-Type": "application/json", "X-Custom": "a, b" }));
  if (!read.ok) throw new Error(read.error.reason);
  const { method, url, headers, meta } = read.value;
  expect([method, url.href, meta]).toEqual(["POST", URL_OF_CLIENT.href, META]);
  expect([...headers]).toEqual([
    ["content-type", "application/json"],
    ["x-custom", "a, b"],
  ]);
});

test.each<[string, Partial<RequestMeta>]>([
  ["operator of everything", {}],
  ["device with scopes", { operatorScopes: ["operator.read", "later"], deviceId: "d".repeat(64) }],
  ["device that may nothing", { operatorScopes: [], deviceId: "d" }],
  ["client that was greeted", { connect: { nonce: "6f0c1f0e-2f9e", ts: 1_700_000_000_000 } }],
])("what the edge knows of an %s arrives", (_name, known) => {
  const read = readRequest(sent({}, { ...META, ...known }));
  if (!read.ok) throw new Error(read.error.reason);
  const { operatorScopes, deviceId, connect } = read.value.meta;
  expect({ operatorScopes, deviceId, connect }).toEqual({
    operatorScopes: undefined,
    deviceId: undefined,
    connect: undefined,
    ...known,
  });
});

test("a client cannot claim what only the edge knows", () => {
  const claimed = sent({ "x-gw-connect": "n 1", "x-gw-operator-scopes": "operator.admin" });
  expect(claimed.some(([name]) => name.includes("connect") || name.includes("scopes:"))).toBe(
    false,
  );
});

test.each([
  "Connection",
  "Keep-Alive",
  "Proxy-Authorization",
  "TE",
  "Transfer-Encoding",
  "Upgrade",
  "Forwarded",
  "X-Real-IP",
  "True-Client-IP",
  "Host",
  "Authorization",
  "X-Gw-Internal-Call",
  "X-Forwarded-For",
  "CF-Connecting-IP",
  "Sec-WebSocket-Key",
])("a client's %s does not cross", (name) => {
  const fields = sent({ [name]: "anything", accept: "*/*" });
  expect(fields.filter(([field]) => !field.startsWith(":"))).toEqual([["accept", "*/*"]]);
});

test("headers that Connection names stay on their hop", () => {
  const names = sent({ Connection: "close, X-Secret-Hop", "X-Secret-Hop": "1", "X-Kept": "2" });
  expect(names.filter(([field]) => !field.startsWith(":"))).toEqual([["x-kept", "2"]]);
});

test.each([":method", ":scheme", ":authority", ":path", ":request-id", ":subject", ":deadline-ms"])(
  "a request without %s is refused",
  (name) => {
    const read = readRequest(sent({}).filter(([field]) => field !== name));
    expect(read).toEqual({ ok: false, error: { reason: "missing_field", name } });
  },
);

test.each<[string, readonly [string, string], string]>([
  ["a host that is none", [":authority", "a b"], "bad_url"],
  ["a header name that is none", ["bad name", "v"], "bad_header"],
])("%s is refused", (_name, field, reason) => {
  const fields = [field, ...sent({}).filter(([name]) => name !== field[0])];
  const read = readRequest(fields);
  expect(read.ok ? "ok" : read.error.reason).toBe(reason);
});

test("of a field that is there twice the first counts", () => {
  const read = readRequest([[":subject", "first"], ...sent({})]);
  expect(read.ok && read.value.meta.principal.subject).toBe("first");
});

test("scopes of a later version are not understood, and not granted", () => {
  const fields = sent({}).filter(([name]) => name !== ":scopes");
  const read = readRequest([...fields, [":scopes", "chat everything"]]);
  expect(read.ok && read.value.meta.principal.scopes).toEqual(["chat"]);
});

test("each Set-Cookie of an answer stays apart, and what is of one hop stays behind", () => {
  const headers = new Headers([
    ["Set-Cookie", "a=1"],
    ["Set-Cookie", "b=2"],
    ["Alt-Svc", "h3"],
    ["X-Gw-Internal-Bundle", "3"],
    ["Transfer-Encoding", "chunked"],
  ]);
  const fields = responseFields(201, headers);
  expect(fields).toEqual([
    [":status", "201"],
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2"],
  ]);
  const read = readResponse(fields);
  expect(read.ok && [read.value.status, new Headers(read.value.headers).getSetCookie()]).toEqual([
    201,
    ["a=1", "b=2"],
  ]);
});

test("our own headers take the place of the core's", () => {
  const fields: Fields = [
    [":status", "200"],
    ["x-request-id", "theirs"],
    ["x-other", "kept"],
  ];
  const read = readResponse(fields, [["x-request-id", "ours"]]);
  expect(read.ok && read.value.headers).toEqual([
    ["x-other", "kept"],
    ["x-request-id", "ours"],
  ]);
});

test.each<[string, Fields]>([
  ["no status", []],
  ["a status that is no number", [[":status", "ok"]]],
  ["a status that is too low", [[":status", "100"]]],
  ["a status that is too high", [[":status", "600"]]],
  ["half a status", [[":status", "200.5"]]],
])("an answer with %s is refused", (_name, fields) => {
  expect(readResponse(fields)).toEqual({ ok: false, error: { reason: "bad_status" } });
});

test.each([
  ["HEAD", 200, false],
  ["GET", 101, false],
  ["GET", 204, false],
  ["GET", 205, false],
  ["GET", 304, false],
  ["GET", 200, true],
  ["POST", 500, true],
])("the answer to %s with %i may have a body: %s", (method, status, may) => {
  expect(mayHaveBody(method, status)).toBe(may);
});
