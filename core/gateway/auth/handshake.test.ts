import { expect, test } from "vitest";
import { Secret } from "../../../shared/secret.ts";
import { Authenticator, type Origin } from "./auth.ts";
import { type HandshakeRefusal, readHandshake, type Session } from "./handshake.ts";
import { Lockout } from "./lockout.ts";

const TOKEN = "the-token";
const LOCAL: Origin = { via: "local", ip: "127.0.0.1", requestId: "request-1" };

function fromEdge(scope: "operator" | "chat"): Origin {
  const principal = { subject: "somebody", scopes: [scope] };
  const caller = { principal, requestId: "request-2", ip: "203.0.113.9", via: "edge" as const };
  return { via: "edge", caller };
}

async function read(text: string, origin: Origin = LOCAL): Promise<Session | HandshakeRefusal> {
  const authenticator = new Authenticator(
    { credentials: [new Secret(TOKEN)], exemptLoopback: true },
    new Lockout(),
    Date.now,
  );
  const challenge = { nonce: "a-nonce", ts: Date.now() };
  const result = await readHandshake(text, origin, authenticator, challenge);
  return result.ok ? result.value : result.error;
}

function request(changes: object = {}, method = "connect"): string {
  const params = {
    minProtocol: 4,
    maxProtocol: 4,
    client: { id: "cli", version: "2026.9.6", platform: "linux", mode: "cli" },
    role: "operator",
    scopes: ["operator.read"],
    caps: [],
    auth: { token: TOKEN },
    ...changes,
  };
  return JSON.stringify({ type: "req", id: "1", method, params });
}

test.each<[string, string, number]>([
  ["empty", "", 1000],
  ["not JSON", "GET / HTTP/1.1", 1000],
  ["JSON but no frame", '{"hello":1}', 1008],
  ["a frame without an id", '{"type":"req","method":"connect"}', 1008],
  ["an event", '{"type":"event","event":"tick"}', 1008],
  ["64 KiB of ASCII and one", `"${"x".repeat(64 * 1024)}"`, 1009],
  ["short in characters and too long in bytes", `"${"€".repeat(22_000)}"`, 1009],
])("a first message that is %s is worth no answer", async (_name, text, closeCode) => {
  expect(await read(text)).toMatchObject({ id: undefined, error: undefined, closeCode });
});

test.each<[string, string, object, number]>([
  [
    "another method",
    request({}, "health"),
    { code: "INVALID_REQUEST", message: "invalid handshake: first request must be connect" },
    1008,
  ],
  [
    "an unknown parameter",
    request({ extra: 1 }),
    {
      code: "INVALID_REQUEST",
      message: expect.stringMatching(/^invalid connect params: at root: /),
    },
    1008,
  ],
  [
    "a client nobody knows",
    request({ client: { id: "evil", version: "1", platform: "x", mode: "cli" } }),
    { message: expect.stringMatching(/^invalid connect params: at client.id: /) },
    1008,
  ],
  [
    "an old protocol",
    request({ minProtocol: 2, maxProtocol: 3 }),
    {
      code: "INVALID_REQUEST",
      details: {
        code: "PROTOCOL_MISMATCH",
        clientMinProtocol: 2,
        clientMaxProtocol: 3,
        expectedProtocol: 4,
        minimumProbeProtocol: 3,
      },
    },
    1002,
  ],
  [
    "a protocol from the future",
    request({ minProtocol: 5, maxProtocol: 9 }),
    { details: expect.objectContaining({ code: "PROTOCOL_MISMATCH" }) },
    1002,
  ],
  [
    "a wrong token",
    request({ auth: { token: "wrong" } }),
    {
      code: "INVALID_REQUEST",
      details: {
        code: "AUTH_TOKEN_MISMATCH",
        authReason: "token_mismatch",
        canRetryWithDeviceToken: false,
        recommendedNextStep: "update_auth_credentials",
      },
    },
    1008,
  ],
  [
    "neither token nor device",
    request({ auth: undefined }),
    { code: "NOT_PAIRED", details: { code: "DEVICE_IDENTITY_REQUIRED" } },
    1008,
  ],
])("a handshake with %s is answered and refused", async (_name, text, error, closeCode) => {
  const refusal = await read(text);
  expect(refusal).toMatchObject({ id: "1", error, closeCode });
  const reason = "closeReason" in refusal ? refusal.closeReason : "";
  expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
});

test.each([
  ["as the token", { token: TOKEN }],
  ["as the password", { password: TOKEN }],
])("the shared secret counts %s", async (_name, auth) => {
  expect(await read(request({ auth }))).toMatchObject({
    requestId: "1",
    scopes: ["operator.read"],
  });
});

test("a client that also speaks older versions is welcome", async () => {
  expect(await read(request({ minProtocol: 3 }))).toMatchObject({ requestId: "1" });
});

test.each<[string, Origin, object, string[]]>([
  ["the local command line", LOCAL, {}, ["operator.read"]],
  [
    "another local client",
    LOCAL,
    { client: { id: "test", version: "1", platform: "x", mode: "test" } },
    [],
  ],
  ["the command line of another machine", { ...LOCAL, ip: "192.168.1.9" }, {}, []],
  [
    "an operator from the edge, whose token was checked there",
    fromEdge("operator"),
    { auth: {} },
    ["operator.read"],
  ],
  ["somebody from the edge who may only chat", fromEdge("chat"), { auth: {} }, []],
])("%s gets the scopes it should", async (_name, origin, changes, scopes) => {
  expect(await read(request(changes), origin)).toMatchObject({ scopes });
});
