import { once } from "node:events";
import { freePort } from "../peers/proxies.ts";
import { Child } from "../processes/child.ts";
import { CORE_MAIN } from "../processes/core.ts";
import { interleave, median, pairedRatio } from "../stats.ts";
import { atMost, type Findings, type Row } from "../table.ts";
import type { World } from "../world.ts";

const MAX_VERSION_MS = 60;
const MAX_UP_MS = 300;
const MAX_DOWN_MS = 3_000;

/** How long a person waits for a command, with a gateway and without. */
export async function measureCli(world: World): Promise<Findings> {
  const { env } = await world.core();
  const down = { ...env, OPENCLAW_GATEWAY_PORT: String(await freePort()) };
  const commands = {
    version: asked("--version"),
    config: asked("config", "get", "agents.defaults.model"),
    health: asked("health", "--json"),
    sessions: asked("sessions", "list", "--json"),
  };
  // The first fills the compile cache.
  for (const one of Object.values(commands)) await run(world, one, env);
  const samples = await interleave(world.quick ? 3 : 20, {
    version: () => run(world, commands.version, env),
    config: () => run(world, commands.config, env),
    up: () => run(world, commands.health, env),
    away: () => run(world, commands.health, down, 1),
    sessions: () => run(world, commands.sessions, env),
    bare: () => run(world, [process.execPath, "-e", "0"], env),
  });
  const row = (what: string, times: readonly number[], limit: number): Row => ({
    what,
    measured: { value: median(times), unit: "ms" },
    peer: { value: median(samples.bare), unit: "ms", name: "node -e 0" },
    ratio: pairedRatio(times, samples.bare),
    budget: atMost(median(times), limit, `${limit} ms`),
  });
  return {
    rows: [
      row("CLI: --version", samples.version, MAX_VERSION_MS),
      row("CLI: config get", samples.config, MAX_UP_MS),
      row("CLI: health --json, gateway running", samples.up, MAX_UP_MS),
      row("CLI: sessions list --json, gateway running", samples.sessions, MAX_UP_MS),
      row("CLI: health --json, gateway down", samples.away, MAX_DOWN_MS),
    ],
  };
}

function asked(...args: readonly string[]): readonly [string, ...string[]] {
  return [process.execPath, CORE_MAIN, ...args];
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
