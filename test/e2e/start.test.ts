import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { Launched, ROOT, chat, webhook } from "../support/launched.ts";
import { startFakeOpenAi } from "../support/fake-openai.ts";

const hasCurl = spawnSync("curl", ["--version"]).status === 0;

/** The lines a start that failed has left for its user, without those that show progress. */
function complaints(launched: Launched): string[] {
  const lines = launched.stderr.split("\n").filter((line) => line !== "");
  return lines.filter((line) => !line.endsWith(" …"));
}

async function listening(): Promise<{ readonly server: Server; readonly port: string }> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  return { server, port: String(address.port) };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function isReachable(url: string): Promise<boolean> {
  try {
    await fetch(url);
    return true;
  } catch {
    return false;
  }
}

test("npm start -- --json prints one line, serves chats and webhooks, and ends with 0", async () => {
  await using launched = new Launched({ npm: true, args: ["--json"] });
  const { edge, gateway, token, model, pid } = await launched.ready();
  expect(model).toMatch(/demo/);
  expect(isRunning(pid)).toBe(true);
  expect(token).toBe(launched.credential("gateway-token"));

  for (const base of [edge, gateway]) {
    const answer = await chat({ base, token, model }, "How are you?");
    expect(answer.status).toBe(200);
    expect(JSON.stringify(await answer.json())).toContain("How are you?");
  }
  expect((await chat({ base: edge, token: "wrong", model }, "Let me in")).status).toBe(401);
  const accepted = await webhook(edge, launched.credential("hooks-token"), "The build is green");
  expect(accepted.status).toBe(200);

  launched.signal("SIGTERM");
  expect(await launched.exited).toBe(0);
  expect(launched.stdout.trim().split("\n")).toHaveLength(1);
  expect(isRunning(pid)).toBe(false);
  expect(launched.stderr).not.toContain(token);
});

test("webhooks sent while the core is dead are handled once when it is back", async () => {
  await using vendor = await startFakeOpenAi({ apiKey: "key-of-the-test" });
  await using launched = new Launched({
    args: ["--json"],
    env: { OPENAI_API_KEY: "key-of-the-test", OPENAI_BASE_URL: vendor.baseUrl },
  });
  const { edge, gateway, token, model, pid } = await launched.ready();
  const hooksToken = launched.credential("hooks-token");
  const messages = ["one", "two", "three"].map((word) => `While you were dead: ${word}`);

  process.kill(pid, "SIGKILL");
  await expect.poll(() => isRunning(pid)).toBe(false);
  const answers = await Promise.all(messages.map((message) => webhook(edge, hooksToken, message)));
  expect(answers.map(({ ok }) => ok)).toEqual([true, true, true]);

  await vendor.waitForRequests(messages.length);
  // The new core listens where the old one did, and is behind the same edge.
  expect((await chat({ base: gateway, token, model }, "Are you back?")).status).toBe(200);
  expect((await chat({ base: edge, token, model }, "Through the edge?")).status).toBe(200);
  launched.signal("SIGTERM");
  expect(await launched.exited).toBe(0);
  const asked = vendor.requests.map(({ body }) => JSON.stringify(body));
  for (const message of messages) {
    expect(asked.filter((body) => body.includes(message))).toHaveLength(1);
  }
  expect(launched.stderr).not.toContain("key-of-the-test");
});

test.runIf(hasCurl)(
  "the printed commands work as they are, and nothing printed is a secret",
  async () => {
    await using launched = new Launched({});
    await launched.until(() => launched.stdout.includes("Ctrl-C stops everything."));
    expect(launched.stdout).toMatch(/Model .*DEMO/);
    const commands = launched.stdout.split("\n").filter((line) => line.trim().startsWith("curl "));
    expect(commands).toHaveLength(2);
    const run = promisify(execFile);
    const outputs = await Promise.all(
      commands.map((command) => run("sh", ["-c", command], { cwd: "/" })),
    );
    expect(JSON.parse(outputs[0]?.stdout ?? "")).toMatchObject({ object: "chat.completion" });
    expect(JSON.parse(outputs[1]?.stdout ?? "")).toMatchObject({ ok: true });
    for (const name of ["gateway-token", "hooks-token", "edge-pairing"]) {
      expect(launched.stdout + launched.stderr).not.toContain(launched.credential(name));
    }
  },
);

test.runIf(hasCurl)("a token in the config file is found by the printed command", async () => {
  await using launched = new Launched({
    env: {
      OPENCLAW_CONFIG_PATH: configFile("token.json", {
        gateway: { auth: { token: "a-token-of-my-own" } },
      }),
    },
  });
  await launched.until(() => launched.stdout.includes("Ctrl-C stops everything."));
  const command = launched.stdout.split("\n").find((line) => line.trim().startsWith("curl "));
  const { stdout } = await promisify(execFile)("sh", ["-c", command ?? ""], {
    cwd: "/",
    env: { HOME: launched.home, PATH: process.env["PATH"] },
  });
  expect(JSON.parse(stdout)).toMatchObject({ object: "chat.completion" });
  expect(launched.stdout + launched.stderr).not.toContain("a-token-of-my-own");
});

function configFile(name: string, config: object | string): string {
  const folder = join(ROOT, ".build", "test");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, typeof config === "string" ? config : JSON.stringify(config));
  return path;
}

test("a launcher that is killed leaves nothing behind, and the next start works at once", async () => {
  await using first = new Launched({ args: ["--json"] });
  const { edge, gateway } = await first.ready();
  first.signal("SIGKILL");
  await first.exited;
  await using second = new Launched({ args: ["--json"], home: first.home });
  const again = await second.ready();
  expect(await isReachable(edge)).toBe(false);
  expect(await isReachable(gateway)).toBe(false);
  expect((await chat({ ...again, base: again.edge }, "Still there?")).status).toBe(200);
});

test("a core that was asked to end ends everything", async () => {
  await using launched = new Launched({ args: ["--json"] });
  const { edge, pid } = await launched.ready();
  process.kill(pid, "SIGTERM");
  expect(await launched.exited).toBe(0);
  expect(await isReachable(edge)).toBe(false);
});

/** Process ids of the children of `pid` whose command line has `part` in it. */
function childrenOf(pid: number, part: string): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  return children
    .map(Number)
    .filter((child) => readFileSync(`/proc/${child}/cmdline`, "utf8").includes(part));
}

test.runIf(process.platform === "linux")(
  "an edge that was killed comes back on its port, with the core connected",
  async () => {
    await using launched = new Launched({ args: ["--json"] });
    const { edge, token, model } = await launched.ready();
    const [host] = childrenOf(launched.pid, "miniflare/host.ts");
    // 0 would be ourselves, and all that we have started.
    if (host === undefined) throw new Error("no process hosts the edge");
    process.kill(host, "SIGKILL");
    const target = { base: edge, token, model };
    const status = async (): Promise<number | undefined> =>
      (await chat(target, "Back?").catch(() => undefined))?.status;
    await expect.poll(() => isRunning(host)).toBe(false);
    await expect.poll(status, { timeout: 60_000 }).toBe(200);
  },
);

test.each([
  ["SALLYPORT_EDGE_PORT", /SALLYPORT_EDGE_PORT/],
  ["OPENCLAW_GATEWAY_PORT", /in use.*OPENCLAW_GATEWAY_PORT/],
])("a port in use, set by %s, fails the start in one line", async (name, expected) => {
  const { server, port } = await listening();
  try {
    await using launched = new Launched({ args: ["--json"], env: { [name]: port } });
    expect(await launched.exited).toBe(1);
    expect(complaints(launched)).toEqual([expect.stringMatching(expected)]);
    expect(launched.stderr).toContain(port);
    expect(launched.stdout).toBe("");
  } finally {
    server.close();
  }
});

test.each([
  ["not JSON5", "{", /broken\.json:1:2/],
  ["a typo", { gateway: { prt: 1 } }, /gateway\.prt.*port/],
])(
  "a config with %s fails the start in one line that says where",
  async (_name, config, expected) => {
    await using launched = new Launched({
      env: { OPENCLAW_CONFIG_PATH: configFile("broken.json", config) },
    });
    expect(await launched.exited).toBe(78);
    expect(complaints(launched)).toEqual([expect.stringMatching(expected)]);
    expect(launched.stdout).toBe("");
  },
);

test("a state directory that cannot be used fails the start in one line", async () => {
  const file = configFile("not-a-folder", "");
  await using launched = new Launched({ env: { OPENCLAW_STATE_DIR: join(file, "state") } });
  expect(await launched.exited).toBe(1);
  expect(complaints(launched)).toEqual([expect.stringMatching(/ENOTDIR.*OPENCLAW_STATE_DIR/)]);
});

test("a second start on the same state directory fails in one line", async () => {
  await using first = new Launched({ args: ["--json"] });
  await first.ready();
  await using second = new Launched({ home: first.home });
  expect(await second.exited).toBe(1);
  expect(complaints(second)).toEqual([
    expect.stringMatching(/another gateway.*OPENCLAW_STATE_DIR/),
  ]);
});

test("Ctrl-C while starting ends with 0 and leaves nothing behind", async () => {
  await using launched = new Launched({});
  await launched.until(() => launched.stderr.includes("Starting the core"));
  launched.signal("SIGINT");
  expect(await launched.exited).toBe(0);
});

test("a second signal ends at once what the first lets finish, and leaves nothing behind", async () => {
  await using vendor = await startFakeOpenAi();
  vendor.always({ kind: "hang", words: 0 });
  await using launched = new Launched({
    args: ["--json"],
    env: { OPENAI_API_KEY: "key-of-the-test", OPENAI_BASE_URL: vendor.baseUrl },
  });
  const { edge, gateway, token, model } = await launched.ready();
  const answer = chat({ base: edge, token, model }, "Take your time").catch(() => undefined);
  await vendor.waitForRequests(1);
  launched.signal("SIGINT");
  // What npm passes on of the same Ctrl-C, at once, is not a second one.
  launched.signal("SIGINT");
  // The core has begun to drain, and waits for the answer.
  await launched.until(() => launched.stderr.includes('"stopping"'));
  await expect.poll(() => isReachable(gateway)).toBe(false);
  expect(await isReachable(edge)).toBe(true);
  const again = setInterval(() => launched.signal("SIGINT"), 100);
  try {
    expect(await launched.exited).toBe(130);
  } finally {
    clearInterval(again);
  }
  expect(await isReachable(edge)).toBe(false);
  await answer;
});

test("an unknown flag is told in one line", async () => {
  await using launched = new Launched({ args: ["--jsn"] });
  expect(await launched.exited).toBe(1);
  expect(complaints(launched)).toEqual([expect.stringContaining("--jsn")]);
});
