/** How long `sallyport connect` goes on at its end: as its flag says, or as the config does by then. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import * as z from "zod";
import { randomToken } from "../../shared/bytes.ts";
import { callEdge } from "../support/edge-with-core.ts";
import { startEdge } from "../support/edge.ts";
import { listening } from "../support/http-upstream.ts";
import { runProgram } from "../support/run-program.ts";
import { WARM } from "../support/warm.ts";

const MAIN = fileURLToPath(new URL("../../core/sallyport.mjs", import.meta.url));
/** Less than the 20 s that it would wait if nobody said anything. */
const PATIENCE_MS = 15_000;
const Line = z.looseObject({ msg: z.string().optional() });

async function until(child: ChildProcess, msg: string): Promise<void> {
  if (child.stderr === null) throw new Error("no output");
  for await (const line of createInterface({ input: child.stderr })) {
    if (Line.safeParse(JSON.parse(line)).data?.msg === msg) return;
  }
}

test.each([
  { name: "its flag", flags: ["--drain-timeout-ms", "100"], settings: [60_000] },
  { name: "the config", flags: [], settings: [100] },
  { name: "what the config says by then", flags: [], settings: [60_000, 100] },
])("what never ends is cut off at the time of $name", { timeout: PATIENCE_MS }, async (it) => {
  await using parts = new AsyncDisposableStack();
  const asked = Promise.withResolvers<void>();
  // It takes the request and never answers.
  const http = parts.use(await listening(createServer(() => asked.resolve())));
  const pairing = randomToken();
  const edge = parts.use(await startEdge({ bindings: { PAIRING_SECRET: pairing } }));
  const dir = await mkdtemp(join(tmpdir(), "sallyport-"));
  parts.defer(() => rm(dir, { recursive: true, maxRetries: 5 }));
  const token = randomToken();
  const configure = (drainTimeoutMs: number | undefined): Promise<void> =>
    writeFile(
      join(dir, "openclaw.json"),
      JSON.stringify({
        gateway: { auth: { token } },
        sallyport: { limits: { drainTimeoutMs }, upstream: { url: http.url.origin } },
      }),
    );
  const [first, ...later] = it.settings;
  await configure(first);
  const child = spawn(process.execPath, [MAIN, "connect", "--json", ...it.flags], {
    cwd: dir,
    env: {
      ...WARM,
      PATH: process.env["PATH"] ?? "",
      HOME: dir,
      OPENCLAW_STATE_DIR: dir,
      SALLYPORT_EDGE_URL: edge.url.origin,
      SALLYPORT_EDGE_PAIRING: pairing,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  parts.defer(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  const reloaded = later.length === 0 ? undefined : until(child, "config reloaded");
  if (reloaded === undefined) child.stderr.resume();
  await once(createInterface({ input: child.stdout }), "line");
  for (const one of later) await configure(one);
  await reloaded;
  const cut = callEdge(edge.url, "/slow", { token });
  await asked.promise;
  child.kill("SIGTERM");
  expect(await exited).toEqual([0, null]);
  expect((await cut).status).toBeGreaterThanOrEqual(500);
});

test.each(["0", "1.5", "20s", "86400001", "-5"])("a drain of %s is refused", async (text) => {
  const args = ["connect", "--upstream", "http://127.0.0.1:1", "--edge", "http://127.0.0.1:1"];
  const flag = `--drain-timeout-ms=${text}`;
  const ended = await runProgram([...args, flag], { cwd: tmpdir(), env: { HOME: tmpdir() } });
  expect(ended).toMatchObject({
    code: 1,
    err: expect.stringContaining("--drain-timeout-ms must be a number of milliseconds"),
  });
});

test("its help says what the flag stands in for", async () => {
  const { out } = await runProgram(["connect", "--help"], { cwd: tmpdir(), env: {} });
  expect(out).toContain("--drain-timeout-ms N");
  expect(out).toContain("sallyport.limits.drainTimeoutMs");
});
