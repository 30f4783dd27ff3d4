import { expect, test } from "vitest";
import { CODES, type ErrorCode, GatewayError, isErrorCode } from "./errors.ts";
import { openAiError, problemResponse } from "./problem.ts";

const CONTEXT = { hop: "edge", requestId: "request-1", path: "/hooks/x" } as const;

test("an error answers with its status, its code in a header, and a problem document", async () => {
  const response = problemResponse(new GatewayError("not_found", "No route x"), CONTEXT);
  expect(response.status).toBe(404);
  expect(Object.fromEntries(response.headers)).toEqual({
    "cache-control": "no-store",
    "content-type": "application/problem+json",
    "x-gw-error": "not_found",
    "x-request-id": "request-1",
  });
  expect(await response.json()).toEqual({
    type: "urn:sallyport:error:not_found",
    title: "Not found",
    status: 404,
    detail: "No route x",
    code: "not_found",
    hop: "edge",
    retrySafe: false,
    requestId: "request-1",
  });
});

test.each([
  [new Error("postgres://user:hunter2@db")],
  [new GatewayError("internal", "at /home/hunter2/x.ts:5")],
  [{ message: "hunter2" }],
  ["hunter2"],
  [undefined],
])("what was not thrown on purpose says nothing (%#)", async (thrown) => {
  const response = problemResponse(thrown, { ...CONTEXT, path: "/v1/models" });
  const text = await response.text();
  expect(response.status).toBe(500);
  expect(response.headers.get("X-Gw-Error")).toBe("internal");
  expect(text + JSON.stringify(openAiError(thrown))).not.toContain("hunter2");
});

test("below /v1/ the body is also what OpenAI clients read", async () => {
  const error = new GatewayError("model_not_found", "No model x", { param: "model" });
  const response = problemResponse(error, { ...CONTEXT, path: "/v1/chat/completions" });
  expect(await response.json()).toMatchObject({
    code: "model_not_found",
    error: {
      message: "No model x",
      type: "invalid_request_error",
      code: "model_not_found",
      param: "model",
    },
  });
});

test.each([
  ["unauthenticated", "authentication_error", "invalid_api_key"],
  ["forbidden", "permission_error", "forbidden"],
  ["rate_limited", "rate_limit_error", "rate_limit_exceeded"],
  ["too_large", "invalid_request_error", "too_large"],
  ["core_offline", "api_error", "core_offline"],
])("OpenAI's words for %s are %s and %s", (code, type, openAiCode) => {
  const known: ErrorCode = isErrorCode(code) ? code : "internal";
  expect(openAiError(new GatewayError(known, "x"))).toMatchObject({ type, code: openAiCode });
});

test.each([
  [1, "1"],
  [1_000, "1"],
  [1_001, "2"],
])("a wait of %i ms is %s whole seconds, never too early", (retryAfterMs, seconds) => {
  const response = problemResponse(
    new GatewayError("rate_limited", "x", { retryAfterMs }),
    CONTEXT,
  );
  expect(response.headers.get("Retry-After")).toBe(seconds);
});

test("only a 401 names the scheme to use", () => {
  for (const code of Object.keys(CODES).filter(isErrorCode)) {
    const { headers, status } = problemResponse(new GatewayError(code, "x"), CONTEXT);
    expect(headers.has("WWW-Authenticate"), code).toBe(status === 401);
  }
});
