import { expect, test } from "vitest";
import { loggedPath } from "./logged-path.ts";

test.each([
  ["/v1/chat/completions", "/v1/chat/completions"],
  ["/hooks/github", "/hooks/github"],
  ["/tools/a-tool-with-quite-a-long-name", "/tools/a-tool-with-quite-a-long-name"],
  ["/v1/models?token=abc", "/v1/models…"],
  ["/v1/models%3Ftoken=abc", "/v1/models…"],
  ["/x;token=abc/y", "/x…"],
  ["/x#token", "/x…"],
  ["/token=abc", "/token…"],
  ["/bot123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc/getMe", "/[48]/getMe"],
  ["/a-gateway-token-0123456789", "/[26]"],
  [`/${"A".repeat(43)}/x`, "/[43]/x"],
  [`/${"/".repeat(999)}`, "/".repeat(256)],
])("%s is logged as %s", (path, expected) => {
  expect(loggedPath(path)).toBe(expected);
});
