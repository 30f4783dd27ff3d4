import { expect, test } from "vitest";
import { Secret } from "../../shared/secret.ts";
import { cleanMessage, failureOf, type ModelFault, parseRetryAfter } from "./failure.ts";

const NOW = Date.parse("Wed, 21 Oct 2026 07:28:00 GMT");

const subject = {
  provider: "acme",
  model: "brain-1",
  baseUrl: "https://models.acme.test/v1?tenant=7",
  apiKey: new Secret("topsecretkey"),
  now: () => NOW,
};

function answer(fault: Partial<Extract<ModelFault, { kind: "answer" }>>): ModelFault {
  return {
    kind: "answer",
    status: undefined,
    types: [],
    message: "",
    headers: undefined,
    ...fault,
  };
}

test.each([
  [
    "OpenAI's 401 for a bad key",
    401,
    ["invalid_request_error", "invalid_api_key"],
    "model_unauthorized",
  ],
  [
    "OpenAI's 404 for a bad model",
    404,
    ["invalid_request_error", "model_not_found"],
    "model_not_found",
  ],
  [
    "an empty account, which waiting does not fill",
    429,
    ["insufficient_quota"],
    "model_unauthorized",
  ],
  ["a limit in the stream", undefined, ["rate_limit_error"], "rate_limited"],
  ["overload in the stream", undefined, ["overloaded_error"], "model_overloaded"],
  ["a word nobody knows in the stream", undefined, ["cosmic_ray"], "model_failed"],
  ["a status nobody knows", 418, [], "model_failed"],
  ["a redirect", 307, [], "model_failed"],
])("%s is told apart", (_name, status, types, code) => {
  expect(failureOf(answer({ status, types }), subject)).toMatchObject({ type: "failed", code });
});

test("a refused request says what the provider said, and its status", () => {
  const fault = answer({ status: 400, message: "400 prompt is\n too long" });
  expect(failureOf(fault, subject).message).toBe(
    "acme refused the request: prompt is too long (HTTP 400)",
  );
});

test("a host is named without path, query or scheme", () => {
  const { message } = failureOf({ kind: "unreachable", reason: "ENOTFOUND" }, subject);
  expect(message).toBe("Cannot reach acme at models.acme.test (ENOTFOUND)");
});

test.each([
  ["seconds", { "Retry-After": "7" }, 7_000],
  ["fractions of a second", { "Retry-After": "0.25" }, 250],
  ["a date", { "Retry-After": "Wed, 21 Oct 2026 07:29:30 GMT" }, 90_000],
  ["a date that has passed", { "Retry-After": "Wed, 21 Oct 2026 07:00:00 GMT" }, 0],
  ["milliseconds, which come first", { "Retry-After-Ms": "12.5", "Retry-After": "9" }, 13],
  ["a wish beyond a day", { "Retry-After": "99999999999999" }, 86_400_000],
  ["nothing", {}, undefined],
  ["a negative number", { "Retry-After": "-5" }, undefined],
  ["a word", { "Retry-After": "soon" }, undefined],
  ["an empty value", { "Retry-After": "" }, undefined],
  ["infinity", { "Retry-After-Ms": "Infinity" }, undefined],
  ["a hexadecimal number", { "Retry-After": "0x10" }, undefined],
])("Retry-After with %s is understood", (_name, headers, expected) => {
  expect(parseRetryAfter(new Headers(headers), NOW)).toBe(expected);
});

test.each([
  ["our key", "bad key topsecretkey!", "bad key [secret]!"],
  ["somebody's key", "Incorrect key sk-abcDEF123456 given", "Incorrect key [secret] given"],
  ["a header", "got Bearer abcdef0123456789", "got [secret]"],
  [
    "ordinary words",
    "Basic information: the key constraint",
    "Basic information: the key constraint",
  ],
  ["control characters", "a\u001b[31m\0b\r\nc", "a [31m b c"],
  ["a page", "<!doctype html><p>nginx", ""],
  ["a document", '{"detail":"no"}', ""],
  ["a status in front", "400 no such tool", "no such tool"],
  ["a status and nothing", "500 status code (no body)", ""],
  ["too many words", "x".repeat(1_000), `${"x".repeat(300)}…`],
])("a provider's message with %s is made fit to be shown", (_name, message, expected) => {
  expect(cleanMessage(message, "topsecretkey")).toBe(expected);
});
