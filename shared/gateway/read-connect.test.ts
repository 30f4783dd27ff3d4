import { ConnectParamsSchema } from "@openclaw/gateway-protocol";
import { expect, test } from "vitest";
import { ConnectParams } from "./connect-params.ts";
import { readConnect } from "./read-connect.ts";

const CLIENT = { id: "cli", version: "1", platform: "linux", mode: "cli" };
const PARAMS = { minProtocol: 4, maxProtocol: 4, client: CLIENT };

function read(params: unknown): ReturnType<typeof readConnect> {
  const text = JSON.stringify({ type: "req", id: "1", method: "connect", params });
  return readConnect(text, text.length);
}

test("what a client leaves out is filled in as the contract says", () => {
  expect(read(PARAMS)).toEqual({
    ok: true,
    value: { id: "1", params: { ...PARAMS, role: "operator", scopes: [], auth: {} } },
  });
});

test("every property of the published schema is known here, and none beside", () => {
  const ours = ConnectParams.shape;
  const theirs = ConnectParamsSchema.properties;
  expect(Object.keys(ours).toSorted()).toEqual(Object.keys(theirs).toSorted());
  const client = Object.keys(ours.client.shape).toSorted();
  expect(client).toEqual(Object.keys(theirs.client.properties).toSorted());
});

test.each([
  [4, 4, "cli", "operator", true],
  [3, 4, "cli", "operator", true],
  [3, 9, "cli", "operator", true],
  [3, 3, "cli", "operator", false],
  [3, 3, "probe", "operator", true],
  [2, 2, "probe", "operator", false],
  [3, 3, "node", "node", true],
  [5, 5, "probe", "operator", false],
])("protocols %i to %i of mode %s and role %s are taken: %s", (min, max, mode, role, isTaken) => {
  const client = { ...CLIENT, mode };
  const { ok } = read({ ...PARAMS, minProtocol: min, maxProtocol: max, client, role });
  expect(ok).toBe(isTaken);
});

test.each([
  [{ ...PARAMS, bad: 1 }, "at root: unexpected property 'bad'"],
  [{ ...PARAMS, auth: { secret: "s" } }, "at auth: unexpected property 'secret'"],
  [{ ...PARAMS, minProtocol: "4" }, "at minProtocol: must be number"],
  [{ ...PARAMS, minProtocol: 0 }, "at minProtocol: is too small"],
  [
    { ...PARAMS, client: { ...CLIENT, mode: "x" } },
    "at client.mode: must be one of the allowed values",
  ],
  [{ ...PARAMS, scopes: ["a", 1] }, "at scopes.1: must be string"],
  [{ ...PARAMS, locale: "x".repeat(1_025) }, "at locale: is too big"],
  [undefined, "at root: must be object"],
  [null, "at root: must be object"],
])("of %j it is said what is wrong, and never a value", (params, complaint) => {
  expect(read(params)).toMatchObject({
    ok: false,
    error: { error: { message: `invalid connect params: ${complaint}` }, closeCode: 1008 },
  });
});

test("the length that counts is the one in bytes", () => {
  expect(readConnect("x", 65_537)).toMatchObject({ ok: false, error: { closeCode: 1009 } });
  expect(readConnect("x", 65_536)).toMatchObject({ ok: false, error: { closeCode: 1000 } });
});
