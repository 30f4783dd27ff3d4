import { setTimeout as delay } from "node:timers/promises";
import { GatewayLink } from "../load/gateway-link.ts";
import { median } from "../stats.ts";
import { atMost, type Findings } from "../table.ts";
import type { Core, World } from "../world.ts";

/** After the restart, for it to be over for sure. */
const AFTER_MS = 500;

interface Outage {
  /** The longest that a request took. */
  readonly ms: number;
  readonly failed: number;
}

/** What clients notice of a gateway that begins anew within its process. */
export async function measureRestart(world: World): Promise<Findings> {
  const core = await world.startCore();
  const found: Outage[] = [];
  for (let round = 0; round < (world.quick ? 2 : 7); round += 1) found.push(await restart(core));
  const failed = found.reduce((sum, one) => sum + one.failed, 0);
  return {
    rows: [
      {
        what: `restart within the process: the longest answer meanwhile, median of ${found.length}`,
        measured: { value: median(found.map(({ ms }) => ms)), unit: "ms" },
      },
      {
        what: "the same: requests that failed",
        measured: { value: failed, unit: "" },
        budget: atMost(failed, 0, "0"),
      },
    ],
  };
}

async function restart({ port, token }: Core): Promise<Outage> {
  using link = await GatewayLink.open(port, token);
  await link.call("gateway.restart.request", { reason: "bench" });
  const over = new AbortController();
  void link.closed.then(() => delay(AFTER_MS)).then(() => over.abort());
  let [longestMs, failed] = [0, 0];
  while (!over.signal.aborted) {
    const sentAt = performance.now();
    if (!(await isAnswered(port, token))) failed += 1;
    longestMs = Math.max(longestMs, performance.now() - sentAt);
  }
  return { ms: longestMs, failed };
}

async function isAnswered(port: number, token: string): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/v1/models`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    await response.bytes();
    return response.status === 200;
  } catch {
    return false; // The connection was closed under it.
  }
}
