import { expect, test } from "vitest";
import { type AddressFacts, edgeAt, judgeAddress, judgeProxy } from "./edge-address.ts";

const facts = (url: string, more: Partial<AddressFacts> = {}): AddressFacts => ({
  url: new URL(url),
  source: "config",
  ownPort: 18_789,
  dialled: undefined,
  ...more,
});

test.each([
  ["https", facts("https://edge.example"), "ok", "(from the config)"],
  ["http on this machine", facts("http://127.0.0.1:8787"), "ok", "8787"],
  ["http elsewhere", facts("http://edge.example"), "failed", "not encrypted"],
  ["the gateway's own port", facts("http://localhost:18789"), "failed", "come back to it"],
  ["that port elsewhere", facts("https://edge.example:18789"), "ok", "18789"],
  ["a path", facts("https://edge.example/x"), "warning", "path is not used"],
  [
    "another than the gateway dials",
    facts("https://a.example", { dialled: "b.example" }),
    "warning",
    "dials b.example",
  ],
  [
    "a flag beside what the gateway dials",
    facts("https://a.example", { dialled: "b.example", source: "flag" }),
    "warning",
    "b.example",
  ],
])("an address with %s", (_name, given, status, words) => {
  const verdict = judgeAddress(given);
  expect(verdict.detail).toContain(words);
  expect(verdict.status).toBe(status);
});

test("an edge known by its host alone has no TLS on this machine only", () => {
  expect(edgeAt("127.0.0.1:8787")?.href).toBe("http://127.0.0.1:8787/");
  expect(edgeAt("edge.example")?.href).toBe("https://edge.example/");
  expect(edgeAt("not a host")).toBeNull();
});

const proxied = {
  url: new URL("https://edge.example"),
  proxy: undefined,
  setting: undefined,
  variables: {},
};

test.each([
  ["none", proxied, "ok", "none is set"],
  ["the config forbids it", { ...proxied, setting: false as const }, "ok", "is false"],
  [
    "one is in effect",
    { ...proxied, proxy: new URL("http://u:secret@p.example:3128") },
    "ok",
    "through p.example:3128",
  ],
  [
    "NO_PROXY exempts the edge",
    { ...proxied, variables: { HTTPS_PROXY: "http://p", NO_PROXY: ".example" } },
    "ok",
    "NO_PROXY (.example)",
  ],
  [
    "the variable is no URL",
    { ...proxied, variables: { https_proxy: "socks5://p" } },
    "warning",
    "no URL",
  ],
  [
    "the edge is on this machine",
    { ...proxied, url: new URL("http://localhost:1"), variables: { HTTP_PROXY: "http://p" } },
    "ok",
    "on this machine",
  ],
])("the proxy setting when %s", (_name, given, status, words) => {
  const verdict = judgeProxy(given);
  expect(verdict.status).toBe(status);
  expect(verdict.detail).toContain(words);
  expect(verdict.detail).not.toContain("secret");
});
