/** The command line, which asks a gateway through the edge in front of it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { type CoreHome, type CoreProcess, createHome, startCore } from "../support/core.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { type Run, runProgram } from "../support/run-program.ts";

const parts = new AsyncDisposableStack();
let edge: RunningEdge;
let home: CoreHome;
let core: CoreProcess;

beforeAll(async () => {
  const pairing = randomToken();
  edge = parts.use(await startEdge({ bindings: { PAIRING_SECRET: pairing } }));
  home = parts.use(await createHome(edge, pairing));
  core = await startCore(home, edge);
  parts.defer(() => core.kill());
});
afterAll(() => parts.disposeAsync());

/** From a laptop that knows the address of the edge and a token. */
function ask(...args: string[]): Promise<Run> {
  return runProgram([...args, "--url", edge.url.href], { cwd: home.dir, env: { HOME: home.dir } });
}

test("health, status and cron work through the edge with its token", async () => {
  const health = await ask("health", "--token", home.token);
  expect(health).toMatchObject({ code: 0, err: "" });
  expect(health.out).toMatch(/^ok: sallyport \d/);
  expect(health.out).toContain("edge: connected");
  const json = await ask("health", "--json", "--token", home.token);
  expect(JSON.parse(json.out)).toMatchObject({ ok: true, defaultAgentId: "main" });
  expect(await ask("status", "--token", home.token)).toMatchObject({ code: 0 });
  expect(await ask("cron", "status", "--token", home.token)).toMatchObject({ code: 0 });
});

test("a wrong token is told apart from none", async () => {
  const wrong = await ask("health", "--token", "wrong");
  expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining("does not accept") });
  const none = await ask("health");
  expect(none).toMatchObject({
    code: 0,
    out: expect.stringContaining("with --token it tells more"),
  });
});

test("an edge without a core is not well", async () => {
  await core.kill();
  await expect
    .poll(() => ask("health", "--token", home.token), { timeout: 20_000 })
    .toMatchObject({ code: 1, err: expect.stringContaining("no core is connected") });
});
