import { expect, test } from "vitest";
import { Upstream } from "../config/sections/upstream.ts";
import { Secret } from "../../shared/secret.ts";
import { resolveUpstream, type UpstreamFlags } from "./resolve.ts";

function resolve(section: object, flags: UpstreamFlags = {}, environment = {}) {
  return resolveUpstream({
    flags,
    section: Upstream.parse(section),
    environment,
    hooksToken: new Secret("hooks"),
  });
}

test("flags win over the config, and the token's variable as well", () => {
  const resolved = resolve(
    { url: "http://127.0.0.1:1", token: "config", trustForwarded: true },
    { url: "https://inside.example:8443", preserveHost: true },
    { SALLYPORT_UPSTREAM_TOKEN: "variable" },
  );
  expect(resolved).toMatchObject({
    ok: true,
    value: { preserveHost: true, trustForwarded: true, translate: "none", onCoreLoss: "close" },
  });
  expect(resolved.ok && resolved.value.url.href).toBe("https://inside.example:8443/");
  expect(resolved.ok && resolved.value.token?.reveal()).toBe("variable");
  expect(resolved.ok && resolved.value.hooksToken?.reveal()).toBe("hooks");
});

test.each([
  ["no URL", {}, {}, "url"],
  ["a URL with a path", {}, { url: "http://127.0.0.1:1/app" }, "url"],
  ["a URL with credentials", {}, { url: "http://a:b@127.0.0.1:1" }, "url"],
  ["a URL of another kind", {}, { url: "ws://127.0.0.1:1" }, "url"],
  ["an unknown translation", { url: "http://h" }, { translate: "klingon" }, "translate"],
  ["nothing to translate to", { url: "http://h" }, { translate: "openclaw" }, "token"],
  [
    "reopening behind a login",
    { url: "http://h", token: "t", onCoreLoss: "reopen" },
    { translate: "openclaw" },
    "onCoreLoss",
  ],
])("%s is refused by name", (_name, section, flags, key) => {
  const resolved = resolve(section, flags);
  expect(resolved).toMatchObject({ ok: false, error: { path: `sallyport.upstream.${key}` } });
});
