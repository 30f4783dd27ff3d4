import { expect, test } from "vitest";
import { parseCommand } from "./parse-command.ts";

const place = { cwd: "/here", home: "/home/me" };

function options(args: string[], env: Record<string, string> = {}) {
  const parsed = parseCommand(args, env, place);
  return parsed.ok ? parsed.value : parsed.error.message;
}

test("serve listens on loopback and keeps its storage in the state directory", () => {
  expect(options(["serve"])).toMatchObject({
    command: "serve",
    options: {
      host: "127.0.0.1",
      port: 8787,
      storageDir: "/home/me/.openclaw/edge-server",
      tls: undefined,
    },
  });
});

test("with a certificate serve listens everywhere, and paths are taken from where it was typed", () => {
  expect(options(["serve", "--tls-cert", "c.pem", "--tls-key", "~/k.pem"])).toMatchObject({
    options: { host: undefined, tls: { certFile: "/here/c.pem", keyFile: "/home/me/k.pem" } },
  });
});

test("the state directory is where the core has it", () => {
  expect(options(["dev"], { OPENCLAW_STATE_DIR: "~/state" })).toMatchObject({
    options: { stateDir: "/home/me/state" },
  });
  expect(options(["dev"], { OPENCLAW_HOME: "/srv" })).toMatchObject({
    options: { stateDir: "/srv/.openclaw" },
  });
});

test("dev takes the port of npm start unless told otherwise", () => {
  const env = { SALLYPORT_EDGE_PORT: "1234" };
  expect(options(["dev"], env)).toMatchObject({ options: { port: 1234 } });
  expect(options(["dev", "--port", "0"], env)).toMatchObject({ options: { port: 0 } });
});

test("deploy takes name, domain and relays", () => {
  const args = ["--name", "my-edge", "--domain", "edge.example.com", "--relays", "weur:1,enam:2"];
  expect(options(["deploy", ...args, "--dry-run"])).toMatchObject({
    command: "deploy",
    options: {
      dryRun: true,
      name: "my-edge",
      domain: "edge.example.com",
      relays: "weur:1,enam:2",
      checkMs: 120_000,
    },
  });
});

test("rollback takes a version, and nothing more", () => {
  expect(options(["rollback", "abc"])).toMatchObject({ options: { version: "abc" } });
  expect(options(["rollback", "abc", "def"])).toContain('knows no "def"');
});

test.each<[string, string[]]>([
  ["nothing", []],
  ["help", ["help"]],
  ["a flag for it", ["serve", "--help"]],
])("%s prints the help", (_name, args) => {
  expect(options(args)).toEqual({ command: "help" });
});

test.each<[string[], string]>([
  [["walk"], 'edge knows no "walk"'],
  [["serve", "here"], 'edge serve knows no "here"'],
  [["serve", "--port", "70000"], "--port must be"],
  [["serve", "--port", "-1"], "--port"],
  [["serve", "--tls-key", "k"], "go together"],
  [["serve", "--url", "edge.example.com"], "--url must be an http(s) URL"],
  [["deploy", "--name", "My Edge"], "--name must be"],
  [["deploy", "--domain", "localhost"], "--domain must be"],
  [["deploy", "--relays", "weur"], "--relays must be"],
  [["deploy", "--check-seconds", "soon"], "--check-seconds must be"],
  [["status", "--port", "1"], "edge status knows no --port"],
])("%j is refused in words", (args, expected) => {
  expect(options(args)).toContain(expected);
});

test.each<[string[], number]>([
  [["walk"], 1],
  [["serve", "--prot", "1"], 1],
  [["serve", "here"], 1],
  [["serve", "--port", "70000"], 78],
  [["serve", "--tls-key", "k"], 78],
  [["serve", "--trust-proxy", "everybody"], 78],
  [["dev", "--port", "x"], 78],
  [["deploy", "--name", "My Edge"], 1],
])("%j ends the program with %i: a service is not started again for a setting", (args, code) => {
  expect(parseCommand(args, {}, place)).toMatchObject({ ok: false, error: { exitCode: code } });
});
