import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { freePort } from "./free-port.ts";
import { runProgram } from "./run-program.ts";
import { WARM } from "./warm.ts";

const MAIN = fileURLToPath(new URL("../../core/sallyport.mjs", import.meta.url));
const TOKEN = "hooks-token-0123456789abcdef";

/** A home with a gateway on a port that stays the same, whose own webhooks are on. */
export async function hookGateway() {
  const home = await mkdtemp(join(tmpdir(), "sallyport-tail-"));
  onTestFinished(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));
  const port = await freePort();
  const env = { ...WARM, HOME: home, OPENCLAW_GATEWAY_PORT: String(port) };
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

/** What a program says, line by line. */
export function linesOf(stream: ChildProcess["stdout"]): AsyncIterator<string> {
  if (stream === null) throw new Error("no pipe");
  return createInterface({ input: stream })[Symbol.asyncIterator]();
}
