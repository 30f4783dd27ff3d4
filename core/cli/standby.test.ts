import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import * as z from "zod";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const TOKEN = "0123456789abcdef0123456789abcdef";

const State = z.object({ event: z.enum(["standby", "ready"]), url: z.url(), port: z.int() });

interface Core {
  readonly child: ChildProcess;
  /** What it says of itself, one after the other. */
  next(): Promise<z.output<typeof State>>;
  readonly log: string[];
}

/** Gateways as processes of their own, on one state folder. */
async function world() {
  const parts = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), "sallyport-"));
  parts.defer(() => rm(home, { recursive: true, force: true }));
  const env = { HOME: home, OPENCLAW_GATEWAY_PORT: "0", OPENCLAW_GATEWAY_TOKEN: TOKEN };
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
    async run(...args: string[]) {
      const child = spawn(process.execPath, [MAIN, ...args], {
        cwd: home,
        env,
        stdio: ["ignore", "pipe", "pipe"],
      });
      const [out, err, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, "close"),
      ]);
      return { code, out, err };
    },
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
  expect(tunnel.code).toBe(1);
  expect(tunnel.err).toContain("This gateway stands by: another one leads");
});

test("a second gateway that does not stand by is told that it could", async () => {
  await using it = await world();
  await it.start().next();
  const second = it.start();
  expect(await once(second.child, "exit")).toEqual([1, null]);
  expect(second.log.at(-1)).toMatch(/Another gateway .* is using .*--standby/);
});
