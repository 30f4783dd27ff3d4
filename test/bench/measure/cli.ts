import { once } from "node:events";
import { freePort } from "../peers/proxies.ts";
import { Child } from "../processes/child.ts";
import { CORE_MAIN } from "../processes/core.ts";
import { interleave, median, pairedRatio } from "../stats.ts";
import { atMost, type Findings, type Row } from "../table.ts";
import type { World } from "../world.ts";

const MAX_UP_MS = 300;
const MAX_DOWN_MS = 3_000;

/** How long a person waits for `sallyport health`, with a gateway and without. */
export async function measureCli(world: World): Promise<Findings> {
  const { env } = await world.core();
  const down = { ...env, OPENCLAW_GATEWAY_PORT: String(await freePort()) };
  const health = [process.execPath, CORE_MAIN, "health", "--json"] as const;
  const nothing = [process.execPath, "-e", "0"] as const;
  // The first fills the compile cache.
  await run(world, health, env);
  const { up, away, bare } = await interleave(world.quick ? 3 : 9, {
    up: () => run(world, health, env),
    away: () => run(world, health, down, 1),
    bare: () => run(world, nothing, env),
  });
  const row = (what: string, samples: readonly number[], limit: number): Row => ({
    what,
    measured: { value: median(samples), unit: "ms" },
    peer: { value: median(bare), unit: "ms", name: "node -e 0" },
    ratio: pairedRatio(samples, bare),
    budget: atMost(median(samples), limit, `${limit} ms`),
  });
  return {
    rows: [
      row("CLI: health --json, gateway running", up, MAX_UP_MS),
      row("CLI: health --json, gateway down", away, MAX_DOWN_MS),
    ],
  };
}

async function run(
  { folder }: World,
  command: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
  expected = 0,
): Promise<number> {
  const startedAt = performance.now();
  await using child = new Child(command, { folder, env });
  const [code]: unknown[] = await once(child.process, "exit");
  if (code !== expected) throw new Error(`exit code ${String(code)}: ${child.output}`);
  return performance.now() - startedAt;
}
