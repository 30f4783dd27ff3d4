import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import * as z from "zod";
import { startFakeEdge } from "../../test/support/fake-edge.ts";
import { runProgram } from "../../test/support/run-program.ts";
import { WARM } from "../../test/support/warm.ts";

const MAIN = fileURLToPath(new URL("../sallyport.mjs", import.meta.url));
const TOKEN = "0123456789abcdef0123456789abcdef";

const State = z.object({ event: z.enum(["standby", "ready"]), url: z.url(), port: z.int() });

/** What a relay with two cores answers to `GET /state`. */
const STATE = JSON.stringify({
  cores: [
    { instance: "leader-of-them", mode: "leader", leads: true },
    { instance: "standby-of-it", mode: "standby", leads: false },
  ],
  sockets: 0,
  spooled: 0,
  awakeMs: 1,
  wakes: {},
});

interface Core {
  readonly child: ChildProcess;
  /** What it says of itself, one after the other. */
  next(): Promise<z.output<typeof State>>;
  readonly log: string[];
}

/** Gateways as processes of their own, on one state folder. */
async function world(more: Record<string, string> = {}) {
  const parts = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), "sallyport-"));
  parts.defer(() => rm(home, { recursive: true, force: true }));
  const env = {
    ...WARM,
    HOME: home,
    OPENCLAW_GATEWAY_PORT: "0",
    OPENCLAW_GATEWAY_TOKEN: TOKEN,
    ...more,
  };
  return {
    start(...args: string[]): Core {
      const child = spawn(process.execPath, [MAIN, "gateway", "--json", ...args], {
        cwd: home,
        env,
        stdio: ["ignore", "pipe", "pipe"],
      });
      const exited = once(child, "exit");
      parts.defer(async () => {
        child.kill("SIGKILL");
        await exited;
      });
      const log: string[] = [];
      createInterface({ input: child.stderr }).on("line", (line) => log.push(line));
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      return {
        child,
        log,
        async next() {
          const { value, done } = await lines.next();
          if (done === true) throw new Error(`it ended: ${log.at(-1) ?? ""}`);
          return State.parse(JSON.parse(value));
        },
      };
    },
    run: (...args: string[]) => runProgram(args, { cwd: home, env }),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

async function statusOf(url: string): Promise<number> {
  const response = await fetch(`${url}/v1/models`, {
    headers: { Authorization: `Bearer ${TOKEN}` },
  });
  await response.arrayBuffer();
  return response.status;
}

test("a standby answers on its own port after the leader was killed", async () => {
  await using it = await world();
  const leader = it.start();
  expect((await leader.next()).event).toBe("ready");
  const standby = it.start("--standby");
  const { event, url } = await standby.next();
  expect(event).toBe("standby");
  expect(await statusOf(url)).toBe(503);

  leader.child.kill("SIGKILL");
  expect(await standby.next()).toMatchObject({ event: "ready", url });
  expect(await statusOf(url)).toBe(200);

  // The state holds no trace of who died: a standby for the standby works as well.
  const third = it.start("--standby");
  expect((await third.next()).event).toBe("standby");
  standby.child.kill("SIGTERM");
  expect(await once(standby.child, "exit")).toEqual([0, null]);
  const { event: last, url: lastUrl } = await third.next();
  expect([last, await statusOf(lastUrl)]).toEqual(["ready", 200]);
});

test("a standby takes over on the leader's own port", async () => {
  await using it = await world();
  const leader = it.start();
  const { port, url } = await leader.next();
  const standby = it.start("--standby", "--port", String(port));
  expect(await standby.next()).toMatchObject({ event: "standby", url });
  leader.child.kill("SIGKILL");
  expect(await standby.next()).toMatchObject({ event: "ready", url });
  expect(await statusOf(url)).toBe(200);
});

test("a standby that waits ends with 0 on SIGTERM", async () => {
  await using it = await world();
  const leader = it.start();
  const { url } = await leader.next();
  const standby = it.start("--standby");
  await standby.next();
  standby.child.kill("SIGTERM");
  expect(await once(standby.child, "exit")).toEqual([0, null]);
  expect(await statusOf(url)).toBe(200);
});

test("commands learn from a standby that it is one", async () => {
  await using it = await world();
  await it.start().next();
  const { port } = await it.start("--standby").next();
  const health = await it.run("health", "--port", String(port));
  expect(health).toMatchObject({ code: 0, out: expect.stringContaining("stands by for another") });
  const tunnel = await it.run("tunnel", "status", "--port", String(port));
  expect(tunnel).toMatchObject({ code: 0, out: expect.stringContaining("no edge is configured") });
  const keys = await it.run("edge", "keys", "list", "--port", String(port));
  expect(keys.code).toBe(1);
  expect(keys.err).toContain("This gateway stands by: another one leads");
});

test("a standby that waits tells how its relays are, who leads there, and what it waits for", async () => {
  await using edge = await startFakeEdge();
  edge.onAsked = ({ path }) => (path === "/state" ? { status: 200, body: STATE } : { status: 204 });
  await using it = await world({ SALLYPORT_EDGE_URL: edge.url.origin });
  await it.start().next();
  const { port } = await it.start("--standby").next();
  await edge.link(2);
  const human = await it.run("tunnel", "status", "--port", String(port));
  expect(human).toMatchObject({ code: 0, err: "" });
  expect(human.out).toMatch(/^core: standby, waits for the state, which another gateway has$/m);
  expect(human.out).toMatch(
    /^weur:1: connected for \d+ s, \d+ ms away, sends its work elsewhere$/m,
  );
  expect(human.out).toContain("cores: leader-o leader, leads; standby- standby");
  const { out } = await it.run("tunnel", "status", "--json", "--port", String(port));
  expect(JSON.parse(out)).toMatchObject({ mode: "standby", lease: null, waitsFor: "state" });
  const stranger = await it.run("tunnel", "status", "--port", String(port), "--token", "wrong");
  expect(stranger).toMatchObject({ code: 1, out: "" });
});

test("a second gateway that does not stand by is told that it could", async () => {
  await using it = await world();
  await it.start().next();
  const second = it.start();
  // Not the exit alone: its last line may come after it.
  expect(await once(second.child, "close")).toEqual([1, null]);
  expect(second.log.at(-1)).toMatch(/Another gateway .* is using .*--standby/);
});
