import { expect, test } from "vitest";
import { GatewayError } from "../../shared/errors.ts";
import { failureResponse, upstreamFailure } from "./failure.ts";

function nodeError(code: string): Error {
  return Object.assign(new Error(`connect ${code} 127.0.0.1:1`), { code });
}

test.each([
  ["a refused connection", nodeError("ECONNREFUSED"), "core_offline"],
  ["two refused addresses", new AggregateError([nodeError("ECONNREFUSED")]), "core_offline"],
  ["an unknown name", nodeError("ENOTFOUND"), "core_offline"],
  ["what is no HTTP", nodeError("HPE_INVALID_CONSTANT"), "bad_response"],
  ["a certificate of nobody", nodeError("DEPTH_ZERO_SELF_SIGNED_CERT"), "bad_response"],
  ["a hang-up", nodeError("ECONNRESET"), "core_lost"],
  ["anything else", "thrown text", "core_lost"],
  ["a client that left", new GatewayError("canceled", "The client left"), "canceled"],
])("%s has a code of its own", (_name, error, code) => {
  expect(upstreamFailure(error).code).toBe(code);
});

test("a client learns that the upstream is at fault, and nothing of its address", async () => {
  const response = failureResponse(nodeError("ECONNREFUSED"), "request-1", "/v1/models");
  const text = await response.text();
  expect(response.status).toBe(503);
  expect(JSON.parse(text)).toMatchObject({ hop: "app", retrySafe: true, requestId: "request-1" });
  expect(response.headers.get("Retry-After")).toBe("2");
  expect(text).not.toContain("127.0.0.1");
});
