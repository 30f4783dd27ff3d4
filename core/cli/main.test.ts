import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import * as z from "zod";
import { freePort } from "../../test/support/free-port.ts";
import { type Run, runProgram } from "../../test/support/run-program.ts";
import { WARM } from "../../test/support/warm.ts";

const MAIN = fileURLToPath(new URL("../sallyport.mjs", import.meta.url));

const Ready = z.object({
  event: z.literal("ready"),
  port: z.int(),
  url: z.url(),
  gateway: z.url(),
  pid: z.int(),
  model: z.object({ id: z.string(), demo: z.boolean() }),
  token: z.object({ from: z.literal("file"), path: z.string() }),
});

/** The program itself, in a home of its own. */
async function world() {
  const parts = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), "sallyport-"));
  parts.defer(() => rm(home, { recursive: true, force: true }));
  const env = { ...WARM, HOME: home, OPENCLAW_GATEWAY_PORT: "0" };

  function start(args: readonly string[], ipc = false): ChildProcess {
    const stdio = ["ignore", "pipe", "pipe", ...(ipc ? (["ipc"] as const) : [])] as const;
    const child = spawn(process.execPath, [MAIN, ...args], { cwd: home, env, stdio: [...stdio] });
    parts.defer(async () => {
      if (child.exitCode === null && child.signalCode === null && child.kill("SIGKILL")) {
        await once(child, "exit");
      }
    });
    return child;
  }

  return {
    start,
    async configure(config: string): Promise<void> {
      await mkdir(join(home, ".openclaw"), { mode: 0o700 });
      await writeFile(join(home, ".openclaw", "openclaw.json"), config);
    },
    run: (...args: string[]): Promise<Run> => runProgram(args, { cwd: home, env }),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

async function readyOf(child: ChildProcess): Promise<z.output<typeof Ready>> {
  child.stderr?.resume();
  if (child.stdout === null) throw new Error("no stdout");
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  return Ready.parse(JSON.parse(String(line)));
}

test("a gateway says when it is ready, serves, and ends with 0 on SIGTERM", async () => {
  await using it = await world();
  const child = it.start(["gateway", "run", "--json"]);
  const ready = await readyOf(child);
  expect(ready.pid).toBe(child.pid);

  const port = String(ready.port);
  const health = await it.run("health", "--json", "--port", port);
  expect(JSON.parse(health.out)).toMatchObject({
    ok: true,
    model: { id: "demo/echo", demo: true },
  });
  expect(health.code).toBe(0);
  const human = await it.run("health", "--port", port);
  expect(human.out).toContain("a demo");
  const stranger = await it.run("health", "--port", port, "--token", "wrong");
  expect(stranger).toMatchObject({ code: 1, err: expect.stringContaining("does not accept") });
  const list = await it.run("pairing", "list", "telegram", "--port", port);
  expect(list).toEqual({ code: 0, out: "nobody is waiting\n", err: "" });
  const tunnel = await it.run("tunnel", "status", "--port", port);
  expect(tunnel).toMatchObject({ code: 0, out: expect.stringContaining("no edge is configured") });
  const status = await it.run("tunnel", "status", "--json", "--port", port);
  expect(JSON.parse(status.out)).toEqual({ configured: false });
  const approve = await it.run("pairing", "approve", "telegram", "AAAAAAAA", "--port", port);
  expect(approve).toMatchObject({ code: 1, err: expect.stringContaining("No such code") });

  const token = (await it.run("token")).out.trim();
  const models = await fetch(`${ready.url}/v1/models`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  expect(models.status).toBe(200);
  await models.body?.cancel();

  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
});

test("a gateway ends with 0 when the program that started it is gone", async () => {
  await using it = await world();
  const child = it.start(["gateway"], true);
  await readyOf(child);
  child.disconnect();
  expect(await once(child, "exit")).toEqual([0, null]);
});

test("a second signal ends a gateway that is still draining", async () => {
  await using it = await world();
  const asked = Promise.withResolvers<void>();
  const silent = createServer(() => asked.resolve()).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const address = silent.address();
  const port = typeof address === "object" ? address?.port : 0;
  await it.configure(
    `{ agents: { defaults: { model: "local/x" } },
       models: { providers: { local: { apiKey: "k", baseUrl: "http://127.0.0.1:${port}" } } } }`,
  );
  const child = it.start(["gateway", "--json", "--token", "0123456789abcdef"]);
  if (child.stdout === null || child.stderr === null) throw new Error("no pipes");
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  const { url } = z.object({ url: z.url() }).parse(JSON.parse(String(line)));
  const request = fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { Authorization: "Bearer 0123456789abcdef", "Content-Type": "application/json" },
    body: '{"model":"openclaw","messages":[{"role":"user","content":"Hi"}]}',
  });
  const cut = expect(request).rejects.toThrow();
  await asked.promise;
  child.kill("SIGINT");
  // Two signals of one kind that come at once count as one.
  for await (const log of createInterface({ input: child.stderr })) {
    if (log.includes('"stopping"')) break;
  }
  child.kill("SIGINT");
  expect(await once(child, "exit")).toEqual([130, null]);
  await cut;
  silent.closeAllConnections();
  silent.close();
});

test.each<[string, string[], number, string]>([
  ["an unknown command", ["frobnicate"], 1, 'no command "frobnicate"'],
  ["a slip of the pen", ["gatway"], 1, 'no command "gatway"; did you mean "gateway"?'],
  ["an unknown flag", ["gateway", "--frobnicate"], 1, "Unknown option '--frobnicate'"],
  ["a port that is none", ["gateway", "--port", "lots"], 78, "--port: must be a number"],
  ["a port that is too high", ["gateway", "--port", "99999"], 78, "--port: must be a number from"],
  ["a gateway's port that is none", ["status", "--port", "0"], 1, "--port must be a number from 1"],
  ["lines that are no number", ["logs", "--limit", "all"], 1, "--limit must be a number from 1"],
  ["an action that is none", ["gateway", "walk"], 1, "gateway knows only"],
  ["no action for the tunnel", ["tunnel"], 1, "usage: sallyport tunnel"],
  [
    "a channel there is not",
    ["pairing", "list", "nope"],
    1,
    'no channel "nope"; there is telegram',
  ],
  ["a way out of a tailnet", ["gateway", "--tailscale", "yes"], 1, "--tailscale must be one of"],
  ["an edge's action that is none", ["edge", "walk"], 1, 'edge knows no "walk"'],
  ["an edge's port that is none", ["edge", "serve", "--port", "x"], 78, "--port must be"],
  ["half a pairing", ["pairing", "approve", "telegram"], 1, "usage: sallyport pairing"],
  ["no action on webhooks", ["webhooks"], 1, "usage: sallyport webhooks list|show"],
  ["an action on webhooks that is none", ["webhooks", "eat"], 1, "webhooks has no action"],
  ["a time that is none", ["webhooks", "list", "--since", "once"], 1, "--since must be"],
  ["a replay of nothing", ["webhooks", "replay"], 1, "say which webhooks"],
  ["a replay of everything", ["webhooks", "replay", "a", "--route", "b"], 1, "say which webhooks"],
  ["a webhook without its id", ["webhooks", "show"], 1, "usage: sallyport webhooks show"],
  ["a tail with an end", ["webhooks", "tail", "--until", "1h"], 1, "has no end"],
  ["a sample for nothing", ["webhooks", "test"], 1, "usage: sallyport webhooks test"],
  ["dead letters of no kind", ["webhooks", "dead-letters", "drop"], 1, "dead-letters [list]"],
  [
    "dead letters twice over",
    ["webhooks", "dead-letters", "drop", "a", "--all"],
    1,
    "dead-letters",
  ],
  [
    "a server far away",
    ["webhooks", "replay", "a", "--forward", "http://192.0.2.1/"],
    1,
    "--allow-remote",
  ],
])("%s is one line on stderr", async (_name, args, code, message) => {
  await using it = await world();
  const { err, ...rest } = await it.run(...args);
  expect(rest).toEqual({ code, out: "" });
  expect(err).toContain(message);
  expect(err.trim().split("\n").length).toBe(1);
});

test("a broken config stops the gateway with 78 and names the place", async () => {
  await using it = await world();
  await it.configure("{ gateway: { prot: 1 } }");
  const { code, err } = await it.run("gateway");
  expect(code).toBe(78);
  expect(err).toContain("gateway.prot");
  expect(err.trim().split("\n").length).toBe(1);
});

test("health says that nobody is there, with --json in the agreed shape", async () => {
  await using it = await world();
  const port = String(await freePort());
  const human = await it.run("health", "--port", port);
  const remedy = "start it (sallyport gateway), or say where it is with --port or --url";
  const message = `no gateway at http://127.0.0.1:${port}: nothing listens there; ${remedy}`;
  expect(human).toEqual({ code: 1, out: "", err: `sallyport: ${message}\n` });
  const { code, out } = await it.run("health", "--json", "--port", port);
  expect(code).toBe(1);
  const error = { type: "gateway_transport_error", message };
  expect(JSON.parse(out)).toEqual({ ok: false, error });
});

test.each([
  ["tunnel", "status"],
  ["webhooks", "list"],
  ["webhooks", "tail"],
])("%s %s says that no gateway runs", async (...args) => {
  await using it = await world();
  const port = String(await freePort());
  const { code, err } = await it.run(...args, "--port", port);
  const nobody = `sallyport: no gateway at http://127.0.0.1:${port}: nothing listens there; `;
  expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(nobody) });
});

test("help names every command, and the version is a version", async () => {
  await using it = await world();
  const help = await it.run("--help");
  for (const name of ["gateway", "health", "token", "pairing", "tunnel", "webhooks"]) {
    expect(help.out).toContain(`sallyport ${name}`);
  }
  expect((await it.run("--version")).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect((await it.run("health", "--help")).out).toContain("--timeout");
  expect((await it.run("webhooks", "--help")).out).toContain("--forward URL");
  expect((await it.run("webhooks", "--json", "replay", "--help")).out).toContain("--dry-run");
});

test.each<[string[], number, string]>([
  [["foo"], 1, 'no command "foo"'],
  [["gatway", "run"], 1, 'did you mean "gateway"?'],
  [["gateway", "run", "--prot", "1"], 1, "--prot"],
  [["gateway", "--port", "99999999"], 78, "--port: must be a number"],
  [["connect"], 1, "there is no edge yet"],
  [["edge", "walk"], 1, 'edge knows no "walk"'],
  [["edge", "status"], 1, "CLOUDFLARE_API_TOKEN"],
  [["edge", "serve", "--port", "x"], 78, "--port must be"],
  [["token", "--hok"], 1, "--hok"],
])(
  "%j with --json says on stdout, in the agreed shape, why it failed",
  async (args, code, words) => {
    await using it = await world();
    const run = await it.run(...args, "--json");
    const message: unknown = expect.stringContaining(words);
    expect(JSON.parse(run.out)).toEqual({ ok: false, error: { type: "cli_error", message } });
    expect(run.code).toBe(code);
  },
);

test("what is printed with one word for people is a document for programs", async () => {
  await using it = await world();
  const version = (await it.run("--version")).out.trim();
  expect(JSON.parse((await it.run("--version", "--json")).out)).toEqual({ version });
  const token = (await it.run("token")).out.trim();
  expect(JSON.parse((await it.run("token", "--json")).out)).toEqual({ token, source: "file" });
});

test("help says which exit codes there are", async () => {
  await using it = await world();
  expect((await it.run("--help")).out).toContain("Exit codes: 0 done; 1 it did not work");
  expect((await it.run("edge", "help")).out).toContain("Exit codes: 0 done; 1 it did not work");
});

test("a gateway starts with the flags of OpenClaw's, and says which do nothing", async () => {
  await using it = await world();
  const child = it.start(["gateway", "run", "--json", "--tailscale", "off", "--dev"]);
  if (child.stderr === null) throw new Error("no stderr");
  const said = once(createInterface({ input: child.stderr }), "line");
  expect((await readyOf(child)).pid).toBe(child.pid);
  expect(String(await said)).toContain("--dev: passed over");
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
});
