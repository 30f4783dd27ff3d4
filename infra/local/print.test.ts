import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Secret } from "../../shared/secret.ts";
import type { CoreReady, TokenSource } from "./core-ready.ts";
import { type Running, banner, readyLine } from "./print.ts";

const file: TokenSource = { from: "file", path: "/home/ada/.openclaw/credentials/token" };

function running(core: Partial<CoreReady> = {}): Running {
  return {
    edge: "http://127.0.0.1:8787",
    core: {
      event: "ready",
      gateway: "http://127.0.0.1:18789",
      port: 18_789,
      model: { id: "claude-x", demo: false },
      token: file,
      hooks: file,
      hooksPath: "/hooks",
      ...core,
    },
    token: new Secret("the-token"),
    pid: 42,
  };
}

const shell = {
  node: "/usr/bin/node",
  core: "/src/sally port/core/sallyport.mjs",
  env: { OPENCLAW_GATEWAY_TOKEN: "the-token", OPENCLAW_STATE_DIR: "/srv/state" },
};

/** The lines a user may copy. */
function commands(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.startsWith("curl "));
}

/** What a shell would hand to curl. */
function argumentsOf(command: string, env: Record<string, string> = {}): string[] {
  const script = `curl() { printf '%s\\0' "$@"; }\n${command}`;
  const printed = execFileSync("sh", ["-c", script], {
    encoding: "utf8",
    env: { PATH: "/usr/bin:/bin", ...env },
  });
  return printed.split("\0").slice(0, -1);
}

test("people see both addresses, the model and where the token is, but never the token", () => {
  const text = banner(running(), shell);
  expect(text).toContain("http://127.0.0.1:8787");
  expect(text).toContain("http://127.0.0.1:18789");
  expect(text).toContain("claude-x");
  expect(text).toContain("in the file /home/ada/.openclaw/credentials/token");
  expect(text).not.toContain("the-token");
  expect(text).not.toContain("DEMO");
});

test("the demo model is said to be one, with what to set for a real one", () => {
  const text = banner(running({ model: { id: "demo", demo: true } }), shell);
  expect(text).toMatch(/Model.*demo.*DEMO.*not an AI.*ANTHROPIC_API_KEY/);
});

test("the two commands read the token from its file, whatever the folder is called", () => {
  const folder = mkdtempSync(join(tmpdir(), "it's a $(test) "));
  try {
    const path = join(folder, "token");
    writeFileSync(path, "from-file\n");
    const source: TokenSource = { from: "file", path };
    const [chat = "", webhook = ""] = commands(
      banner(running({ token: source, hooks: source }), shell),
    );
    expect(argumentsOf(chat)).toEqual([
      "-sS",
      "http://127.0.0.1:8787/v1/chat/completions",
      "-H",
      "Authorization: Bearer from-file",
      "-H",
      "Content-Type: application/json",
      "-d",
      '{"model":"claude-x","messages":[{"role":"user","content":"Hello!"}]}',
    ]);
    expect(argumentsOf(webhook)).toContain("http://127.0.0.1:8787/hooks/agent");
    expect(argumentsOf(webhook)).toContain("Authorization: Bearer from-file");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a token from the environment is taken from there", () => {
  const source: TokenSource = { from: "env", name: "OPENCLAW_GATEWAY_TOKEN" };
  const [chat = ""] = commands(banner(running({ token: source }), shell));
  expect(argumentsOf(chat, { OPENCLAW_GATEWAY_TOKEN: "from-env" })).toContain(
    "Authorization: Bearer from-env",
  );
});

test.each([
  ["the config file", { from: "config" } as const],
  ["a variable the shell does not have", { from: "env", name: "SET_IN_DOT_ENV" } as const],
])("a token from %s is printed by the command line, about the same state", (_name, source) => {
  const [chat, webhook] = commands(banner(running({ token: source, hooks: source }), shell));
  const call =
    "$(OPENCLAW_STATE_DIR='/srv/state' '/usr/bin/node' '/src/sally port/core/sallyport.mjs'";
  expect(chat).toContain(`Bearer ${call} token)"`);
  expect(webhook).toContain(`Bearer ${call} token --hooks)"`);
});

test("webhooks are posted where the config says", () => {
  const [, webhook = ""] = commands(banner(running({ hooksPath: "/in" }), shell));
  expect(argumentsOf(webhook)).toContain("http://127.0.0.1:8787/in/agent");
});

test("when webhooks are off there is no command for them, but what to set", () => {
  const text = banner(running({ hooks: null }), shell);
  expect(commands(text)).toHaveLength(1);
  expect(text).toContain("hooks.enabled");
});

test("a webhook whose token was made for want of a config file is said to end with it", () => {
  const note = "as long as there is no config file";
  expect(banner(running(), shell)).toContain(note);
  expect(banner(running({ hooks: { from: "config" } }), shell)).not.toContain(note);
});

test("scripts get one line of JSON with the five facts", () => {
  const line = readyLine(running());
  expect(line.endsWith("}\n")).toBe(true);
  expect(JSON.parse(line)).toEqual({
    edge: "http://127.0.0.1:8787",
    gateway: "http://127.0.0.1:18789",
    token: "the-token",
    model: "claude-x",
    pid: 42,
  });
});
