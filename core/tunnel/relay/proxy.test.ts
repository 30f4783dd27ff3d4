import { expect, test } from "vitest";
import { proxyFor } from "./proxy.ts";

const PROXY = { HTTPS_PROXY: "http://proxy.example:3128" };
const direct = "direct";

test.each<[string, string, Record<string, string>, string]>([
  ["no variable", "https://edge.example/", {}, direct],
  ["HTTPS_PROXY", "https://edge.example/", PROXY, "proxy.example:3128"],
  ["the other scheme's", "http://edge.example/", PROXY, direct],
  ["HTTP_PROXY", "http://edge.example/", { HTTP_PROXY: "http://p:1" }, "p:1"],
  ["lower case first", "https://edge.example/", { ...PROXY, https_proxy: "http://p:2" }, "p:2"],
  ["an empty one", "https://edge.example/", { HTTPS_PROXY: "" }, direct],
  ["no scheme", "https://edge.example/", { HTTPS_PROXY: "p:3128" }, "p:3128"],
  [
    "SOCKS, which we do not speak",
    "https://edge.example/",
    { HTTPS_PROXY: "socks5://p:1" },
    direct,
  ],
  ["nonsense", "https://edge.example/", { HTTPS_PROXY: "http://" }, direct],
  ["this machine", "https://127.0.0.1:8787/", PROXY, direct],
  ["this machine by name", "https://localhost/", PROXY, direct],
])("from the environment: %s", (_name, url, environment, expected) => {
  expect(proxyFor(new URL(url), undefined, environment)?.host ?? direct).toBe(expected);
});

test.each([
  ["*", true],
  ["edge.example", true],
  [".example", true],
  ["*.example", true],
  ["a.example, edge.example", true],
  ["a.example edge.example", true],
  ["EDGE.example", true],
  ["edge.example:443", true],
  ["edge.example:8443", false],
  ["ge.example", false],
  ["example.com", false],
  [",", false],
])("NO_PROXY=%s exempts https://edge.example: %s", (list, exempt) => {
  const proxy = proxyFor(new URL("https://edge.example/"), undefined, { ...PROXY, NO_PROXY: list });
  expect(proxy === undefined).toBe(exempt);
});

test("a setting outweighs the environment, even for this machine", () => {
  const own = new URL("http://own.example:1/");
  const environment = { ...PROXY, NO_PROXY: "*" };
  expect(proxyFor(new URL("https://localhost/"), own, environment)).toBe(own);
  expect(proxyFor(new URL("https://edge.example/"), false, PROXY)).toBeUndefined();
});
