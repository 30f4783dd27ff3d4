import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import * as z from "zod";
import { createTunnelKey } from "../../shared/tunnel/handshake.ts";
import { runProgram } from "../../test/support/run-program.ts";
import { openSqliteStore } from "../store/sqlite/open.ts";
import { Identity } from "../tunnel/identity/identity.ts";

const Own = z.strictObject({ kid: z.string(), publicKey: z.string().length(43) });

/** A home without anything in it. */
async function world() {
  const home = await mkdtemp(join(tmpdir(), "sallyport-own-"));
  onTestFinished(() => rm(home, { recursive: true }));
  const stateDir = join(home, "state");
  const env = { HOME: home, OPENCLAW_STATE_DIR: stateDir };
  const run = (args: readonly string[], more: object = {}) =>
    runProgram(["edge", "keys", ...args], { cwd: home, env: { ...env, ...more } });
  return { home, stateDir, run };
}

test("a machine tells its public key before any gateway ran, and keeps it", async () => {
  const { stateDir, run } = await world();
  const { code, out, err } = await run(["own", "--json"]);
  expect([code, err]).toEqual([0, ""]);
  const own = Own.parse(JSON.parse(out));
  const file = join(stateDir, "tunnel.json");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const human = await run(["own"]);
  expect(human.out).toContain(own.publicKey);
  expect(human.out).toContain(own.kid);
  // The gateway dials with this one.
  const identity = await Identity.load(stateDir, new URL("https://edge.example"));
  expect(identity.key).toMatchObject(own);
  // The other half is for nobody.
  const { d } = z
    .object({ key: z.object({ d: z.string() }) })
    .parse(JSON.parse(await readFile(file, "utf8"))).key;
  expect(out + human.out).not.toContain(d);
});

test("a key that an older version has left in the state is the one that is told", async () => {
  const { stateDir, run } = await world();
  await run(["own"]);
  await rm(join(stateDir, "tunnel.json"));
  const { key, jwk } = await createTunnelKey();
  {
    await using store = await openSqliteStore({ stateDir, now: Date.now });
    await store.set("tunnel.key", JSON.stringify(jwk));
  }
  const homeless = await run(["own"]);
  expect(homeless).toMatchObject({ code: 1, err: expect.stringContaining("SALLYPORT_EDGE_URL") });
  const { out } = await run(["own", "--json"], { SALLYPORT_EDGE_URL: "https://edge.example" });
  expect(Own.parse(JSON.parse(out))).toEqual({ kid: key.kid, publicKey: key.publicKey });
});

test.each([
  ["--url", "http://127.0.0.1:1"],
  ["--port", "1"],
])("the own key is no other gateway's: %s makes no sense", async (flag, value) => {
  const { run } = await world();
  const refused = await run(["own", flag, value]);
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("this machine") });
});
