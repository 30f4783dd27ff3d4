import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { freePort } from "../../../test/support/free-port.ts";
import { runProgram } from "../../../test/support/run-program.ts";
import { WebhookEntry } from "../../webhooks/methods-answers.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const TOKEN = "hooks-token-0123456789abcdef";

/** A home with a gateway on a port that stays the same, and a tail on it. */
async function world() {
  const home = await mkdtemp(join(tmpdir(), "sallyport-tail-"));
  onTestFinished(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));
  const port = await freePort();
  const env = { HOME: home, OPENCLAW_GATEWAY_PORT: String(port) };
  await mkdir(join(home, ".openclaw"), { mode: 0o700 });
  const config = { hooks: { enabled: true, token: TOKEN } };
  await writeFile(join(home, ".openclaw", "openclaw.json"), JSON.stringify(config));

  function start(...args: string[]): ChildProcess {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: home,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const exited = once(child, "exit");
    onTestFinished(async () => {
      child.kill("SIGKILL");
      await exited;
    });
    return child;
  }

  return {
    start,
    run: (...args: string[]) => runProgram(args, { cwd: home, env }),
    async gateway(): Promise<ChildProcess> {
      const child = start("gateway", "--json");
      child.stderr?.resume();
      await linesOf(child.stdout).next();
      return child;
    },
    post: async (text: string): Promise<void> => {
      const response = await fetch(`http://127.0.0.1:${port}/hooks/wake`, {
        method: "POST",
        headers: { Authorization: `Bearer ${TOKEN}`, "Idempotency-Key": text },
        body: JSON.stringify({ text }),
      });
      expect(response.ok).toBe(true);
    },
  };
}

function linesOf(stream: ChildProcess["stdout"]): AsyncIterator<string> {
  if (stream === null) throw new Error("no pipe");
  return createInterface({ input: stream })[Symbol.asyncIterator]();
}

async function idOf(lines: AsyncIterator<string>): Promise<string> {
  return WebhookEntry.parse(JSON.parse(String((await lines.next()).value))).id;
}

test("tail goes on when the gateway is back, says so on stderr alone, and misses nothing", async () => {
  const it = await world();
  const first = await it.gateway();
  await it.post("before");
  const tail = it.start("webhooks", "tail", "--json", "--since", "1h");
  const [out, err] = [linesOf(tail.stdout), linesOf(tail.stderr)];
  expect(await idOf(out)).toBe("wake:before");

  first.kill("SIGTERM");
  expect(await once(first, "exit")).toEqual([0, null]);
  expect((await err.next()).value).toContain("waiting for it to come back");
  const second = await it.gateway();
  await it.post("after");
  expect((await err.next()).value).toContain("following again");
  expect(await idOf(out)).toBe("wake:after");

  second.kill("SIGKILL");
  expect((await err.next()).value).toContain("waiting for it to come back");
  tail.kill("SIGTERM");
  expect(await once(tail, "exit")).toEqual([0, null]);
});

test("what is piped has no colours, and a list is a table", async () => {
  const it = await world();
  const gateway = await it.gateway();
  expect((await it.run("webhooks", "list")).out).toBe("no webhooks\n");
  await it.post("one");
  const { code, out, err } = await it.run("webhooks", "list", "--limit", "1");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const [head = "", row = "", ...rest] = out.split("\n");
  expect(head).toMatch(/^RECEIVED +ROUTE +STATE +BYTES +ID +NOTE$/);
  expect(row).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +wake +\w+ +14 +wake:one$/);
  expect(rest).toEqual([""]);
  expect((await it.run("webhooks", "show", "wake:none")).code).toBe(1);
  expect((await it.run("webhooks", "list", "--token", "wrong")).code).toBe(1);
  gateway.kill("SIGTERM");
  expect(await once(gateway, "exit")).toEqual([0, null]);
});
