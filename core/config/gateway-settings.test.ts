import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { configErrorText } from "./issues/error.ts";
import type { Flags } from "./environment/overrides.ts";
import { loadSettings } from "./resolve.ts";

/** What a config of this gateway section comes to, and the state folder it leaves. */
async function load(gateway: object, flags: Flags = {}, env: Record<string, string> = {}) {
  const home = await mkdtemp(join(tmpdir(), "gateway-settings-"));
  const stateDir = join(home, ".openclaw");
  await mkdir(stateDir, { mode: 0o700 });
  await writeFile(join(stateDir, "openclaw.json"), JSON.stringify({ gateway }));
  const loaded = await loadSettings({ env, cwd: home, home, uid: process.getuid?.(), flags });
  const files = await readdir(stateDir);
  await rm(home, { recursive: true });
  return { loaded, files };
}

test.each<[string, object, Flags, Record<string, string>, string, string | undefined]>([
  ["nothing", {}, {}, {}, "token", undefined],
  ["a token", { auth: { token: "t0ken" } }, {}, {}, "token", "t0ken"],
  ["a password", { auth: { password: "pa55" } }, {}, {}, "password", "pa55"],
  ["both", { auth: { token: "t0ken", password: "pa55" } }, {}, {}, "token", "t0ken"],
  [
    "both and a mode",
    { auth: { mode: "password", token: "t", password: "pa55" } },
    {},
    {},
    "password",
    "pa55",
  ],
  [
    "a password of the environment",
    {},
    {},
    { OPENCLAW_GATEWAY_PASSWORD: "env" },
    "password",
    "env",
  ],
  [
    "a password flag over that",
    {},
    { password: "flag" },
    { OPENCLAW_GATEWAY_PASSWORD: "env" },
    "password",
    "flag",
  ],
  ["a mode flag", { auth: { token: "t0ken" } }, { auth: "none" }, {}, "none", "t0ken"],
])(
  "with %s the mode of auth and the secret are clear",
  async (_name, gateway, flags, env, mode, secret) => {
    const { loaded } = await load(gateway, flags, env);
    if (!loaded.ok) throw new Error(configErrorText(loaded.error));
    const { authMode, token } = loaded.value.gateway;
    expect(authMode).toBe(mode);
    expect(token.secret.reveal()).toBe(secret ?? token.secret.reveal());
    expect(token.source).toEqual(
      secret === undefined ? "file" : expect.stringMatching(/^(?:config|env|flag)$/),
    );
  },
);

test.each<[string, object, Flags, string]>([
  [
    "no auth on every interface",
    { auth: { mode: "none" }, bind: "lan" },
    {},
    "Refusing to bind gateway to lan without auth",
  ],
  [
    "the same by the old name",
    { auth: { mode: "none" }, bind: "*" },
    {},
    "Refusing to bind gateway to lan without auth",
  ],
  [
    "the same by a flag",
    { auth: { mode: "none" } },
    { bind: "0.0.0.0" },
    "Refusing to bind gateway to lan without auth",
  ],
  [
    "no auth at an address of its own",
    { auth: { mode: "none" }, bind: "custom", customBindHost: "192.0.2.1" },
    {},
    "Refusing to bind gateway to custom without auth",
  ],
  [
    "password mode without one",
    { auth: { mode: "password" } },
    {},
    "gateway.auth.password: is needed",
  ],
  [
    "a custom address that is none",
    { bind: "custom" },
    {},
    "gateway.bind: needs gateway.customBindHost",
  ],
  [
    "a proxy's word without its header",
    { auth: { mode: "trusted-proxy" }, trustedProxies: ["10.0.0.1"] },
    {},
    "gateway.auth.trustedProxy: is needed",
  ],
  [
    "a proxy's word without a proxy",
    { auth: { mode: "trusted-proxy", trustedProxy: { userHeader: "X-User" } } },
    {},
    "gateway.trustedProxies: must name",
  ],
  [
    "a proxy that is no address",
    { trustedProxies: ["my-proxy"] },
    {},
    "must be an IP address or a network",
  ],
  [
    "a page that is none",
    { controlUi: { allowedOrigins: ["panel.example"] } },
    {},
    "must be the origin of a page",
  ],
  [
    "a page with a path",
    { controlUi: { allowedOrigins: ["https://panel.example/x"] } },
    {},
    "must be the origin of a page",
  ],
])("%s is refused, and nothing is made", async (_name, gateway, flags, message) => {
  const { loaded, files } = await load(gateway, flags);
  expect(loaded.ok ? "" : configErrorText(loaded.error)).toContain(message);
  expect(files).toEqual(["openclaw.json"]);
});

test("no auth is fine where only programs of this machine come in", async () => {
  const { loaded } = await load({ auth: { mode: "none" } });
  expect(loaded).toMatchObject({
    ok: true,
    value: { gateway: { authMode: "none", host: "127.0.0.1" } },
  });
});

test("a star among the pages is passed over with a warning", async () => {
  const { loaded } = await load({ controlUi: { allowedOrigins: ["*", "https://Panel.example/"] } });
  if (!loaded.ok) throw new Error(configErrorText(loaded.error));
  expect([...loaded.value.gateway.allowedOrigins]).toEqual(["https://panel.example"]);
  expect(loaded.value.warnings).toContainEqual(expect.stringContaining("allowedOrigins"));
});

test.each<[string, object, readonly string[], RegExp | undefined]>([
  ["on another machine", {}, ["10.0.0.1"], undefined],
  ["on this machine, by mistake", {}, ["127.0.0.1"], /trustedProxies.*allowLoopback to true/],
  ["on this machine, in a network", {}, ["::/0"], /trustedProxies.*allowLoopback to true/],
  ["on this machine", { allowLoopback: true }, ["127.0.0.1"], /allowLoopback: every program/],
  ["elsewhere, whatever is allowed", { allowLoopback: true }, ["10.0.0.1"], undefined],
])("of a proxy %s that names users the right thing is said", async (_name, more, at, said) => {
  const trustedProxy = { userHeader: "X-User", ...more };
  const auth = { mode: "trusted-proxy", trustedProxy };
  const { loaded } = await load({ auth, trustedProxies: at });
  const warnings = loaded.ok ? loaded.value.warnings : [configErrorText(loaded.error)];
  expect(warnings).toEqual(said === undefined ? [] : [expect.stringMatching(said)]);
});

test.each([
  ["token", { auth: { token: "short" } }, /^the gateway token .* is short/],
  [
    "password",
    { auth: { mode: "password", password: "abc" } },
    /^the gateway's password .* is short/,
  ],
])("a short %s is warned of by its name", async (_name, gateway, said) => {
  const { loaded } = await load(gateway);
  expect(loaded.ok && loaded.value.warnings).toEqual([expect.stringMatching(said)]);
});
