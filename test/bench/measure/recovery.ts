import { setTimeout as delay } from "node:timers/promises";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import type { Child } from "../processes/child.ts";
import { launchCore, launchStandby, makeCoreHome } from "../processes/core.ts";
import { median } from "../stats.ts";
import { atMost, type Findings, type Row } from "../table.ts";
import type { World } from "../world.ts";

const MAX_FAILOVER_MS = 5_000;
const MAX_RECONNECT_MS = 3_000;
/** Given up after this: nothing may take so long. */
const PATIENCE_MS = 30_000;
/** For the standby to be known to the relay, and all to be quiet. */
const SETTLE_MS = 1_000;

interface Recovery {
  /** From the fault to the end of the first answer that was asked for after it. */
  readonly ms: number;
  /** Answers before that which were none. */
  readonly failed: number;
}

/** How long clients wait when a core dies beside its standby, and when the way to it is cut. */
export async function measureRecovery(world: World): Promise<Findings> {
  const rounds = world.quick ? 1 : 7;
  return {
    rows: [
      ...rowsOf(
        "SIGKILL of the leader → first answer of the standby",
        await failovers(world, rounds),
        MAX_FAILOVER_MS,
      ),
      ...rowsOf(
        "tunnel cut (RST) → next answer of the same core",
        await reconnects(world, rounds),
        MAX_RECONNECT_MS,
      ),
    ],
  };
}

function rowsOf(what: string, found: readonly Recovery[], limit: number): Row[] {
  const times = found.map(({ ms }) => ms);
  const worst = Math.max(...times);
  const failed = found.reduce((sum, one) => sum + one.failed, 0);
  return [
    { what: `${what}: median of ${found.length}`, measured: { value: median(times), unit: "ms" } },
    {
      what: "the same: worst",
      measured: { value: worst, unit: "ms" },
      budget: atMost(worst, limit, `${limit} ms`),
    },
    { what: "the same: requests sent after it that failed", measured: { value: failed, unit: "" } },
  ];
}

async function failovers(world: World, rounds: number): Promise<Recovery[]> {
  const edge = await world.startEdge();
  const home = await makeCoreHome(world.folder, { model: await world.model(), edge });
  const { child: first } = await launchCore(home, world.folder);
  let leader: Child = world.parts.use(first);
  const found: Recovery[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const standby = world.parts.use(await launchStandby(home, world.folder));
    await delay(SETTLE_MS);
    await answered(edge.port, home.token);
    found.push(await recover(edge.port, home.token, () => void leader.process.kill("SIGKILL")));
    leader = standby;
  }
  return found;
}

async function reconnects(world: World, rounds: number): Promise<Recovery[]> {
  const edge = await world.startEdge();
  const proxy = world.parts.use(await startFaultProxy({ target: edge.port }));
  const home = await makeCoreHome(world.folder, {
    model: await world.model(),
    edge: { ...edge, port: proxy.port },
  });
  world.parts.use((await launchCore(home, world.folder)).child);
  const found: Recovery[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await answered(edge.port, home.token);
    await delay(SETTLE_MS);
    found.push(await recover(edge.port, home.token, () => proxy.sever("reset")));
  }
  return found;
}

async function recover(port: number, token: string, fault: () => void): Promise<Recovery> {
  const startedAt = performance.now();
  fault();
  const failed = await answered(port, token);
  return { ms: performance.now() - startedAt, failed };
}

/** Asks until there is an answer. @returns How often there was none. */
async function answered(port: number, token: string): Promise<number> {
  const until = performance.now() + PATIENCE_MS;
  for (let failed = 0; performance.now() < until; failed += 1) {
    const response = await fetch(`http://127.0.0.1:${port}/v1/models`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    await response.bytes();
    if (response.status === 200) return failed;
    await delay(10);
  }
  throw new Error("no core came back");
}
