import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import * as z from "zod";
import { createCommandHome } from "../../../test/support/command-home.ts";
import { restartWorld } from "../../../test/support/restart-world.ts";
import { gateway } from "../gateway.ts";
import { status } from "../status.ts";

const TOKEN = "a-gateway-token-of-some-length";
const Told = z.object({
  config: z.object({ valid: z.boolean(), error: z.string().optional() }),
  rpc: z.object({ ok: z.boolean() }),
});

async function world() {
  const it = await restartWorld({ gateway: { port: 0 } });
  onTestFinished(() => it[Symbol.asyncDispose]());
  const home = await createCommandHome();
  onTestFinished(() => home[Symbol.asyncDispose]());
  return { it, home, port: Number(new URL(it.gateway.url).port) };
}

test("the status of a gateway elsewhere is asked for, and nothing is made here", async () => {
  const { it, home } = await world();
  const at = ["--url", it.gateway.url, "--token", TOKEN, "--json"];
  const told = await home.run(gateway, ["status", ...at]);
  expect(Told.parse(JSON.parse(told.out))).toMatchObject({ rpc: { ok: true } });
  expect(await readdir(home.path)).toEqual([]);
});

test("a config that is refused is told, beside a gateway that runs with the one before", async () => {
  const { home, port } = await world();
  await mkdir(home.stateDir, { mode: 0o700 });
  const file = join(home.stateDir, "openclaw.json");
  const good = { gateway: { port, auth: { token: TOKEN } } };
  await writeFile(file, "{ gateway: ");
  await writeFile(`${file}.last-good`, JSON.stringify(good));
  const told = await home.run(gateway, ["status", "--json"]);
  expect(Told.parse(JSON.parse(told.out))).toMatchObject({
    config: { valid: false, error: expect.stringContaining("not JSON5") },
    rpc: { ok: true },
  });
  expect((await home.run(gateway, ["status"])).out).toMatch(/^config is refused: .*not JSON5/m);
  const asked = await home.run(status, []);
  expect(asked).toMatchObject({ code: 0, err: expect.stringContaining("asked all the same") });
  expect(asked.out).toContain(`at http://127.0.0.1:${port}`);
});
