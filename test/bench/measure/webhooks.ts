import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { globSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { Target } from "../load/task.ts";
import { interleave, median, pairedRatio } from "../stats.ts";
import { atMost, type Findings } from "../table.ts";
import type { Core, World } from "../world.ts";

const MAX_P99_MS = 30;

const EdgeHealth = z.object({ core: z.object({ connected: z.boolean(), spooled: z.int() }) });

/** A genuine webhook, from its first byte to the 2xx that promises a durable copy. */
export async function measureWebhooks(world: World): Promise<Findings> {
  const core = await world.core();
  const { edge } = core;
  if (edge === undefined) throw new Error("this core has no edge");
  const count = world.quick ? 50 : 300;
  const race = {
    through: () => world.requests(hook(edge.port, core), { connections: 1, count }),
    direct: () => world.requests(hook(core.port, core), { connections: 1, count }),
  };
  await interleave(1, race);
  const before = await digestOf(edge.storageDir);
  const { through, direct } = await interleave(world.quick ? 2 : 5, race);
  const spooled = await spooledAt(edge.port, core.token);
  const changed = before === (await digestOf(edge.storageDir)) ? 0 : 1;
  const p50 = [through, direct].map((runs) => runs.map(({ p50Ms }) => p50Ms));
  const p99 = [through, direct].map((runs) => runs.map(({ p99Ms }) => p99Ms));
  const tail = beside(p99);
  return {
    rows: [
      { what: "webhook, express, to the 2xx: p50", ...beside(p50) },
      {
        what: "webhook, express, to the 2xx: p99",
        ...tail,
        budget: atMost(tail.measured.value, MAX_P99_MS, `${MAX_P99_MS} ms`),
      },
      {
        what: "webhook, express: waiting in the relay's spool afterwards",
        measured: { value: spooled, unit: "" },
        budget: atMost(spooled, 0, "0"),
      },
      {
        what: "webhook, express: writes to the relay's storage (1: its files have changed)",
        measured: { value: changed, unit: "" },
        budget: atMost(changed, 0, "0 rows"),
      },
    ],
    notes: [
      `Webhooks: POST /hooks/agent with a bearer token and an Idempotency-Key each, one after another; the 2xx comes once the core has committed it to SQLite. The core works them off meanwhile.`,
    ],
  };
}

function hook(port: number, { hooksToken }: Core): Target {
  return {
    port,
    method: "POST",
    path: "/hooks/agent",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${hooksToken}` },
    uniqueHeader: "Idempotency-Key",
    body: JSON.stringify({ message: "The build is green again.", name: "ci" }),
  };
}

/** What the relay itself says of it. */
async function spooledAt(port: number, token: string): Promise<number> {
  const headers = { Authorization: `Bearer ${token}` };
  const response = await fetch(`http://127.0.0.1:${port}/health`, { headers });
  return EdgeHealth.parse(await response.json()).core.spooled;
}

/** Of every file a Durable Object stores in: a row written is a byte changed. */
async function digestOf(folder: string): Promise<string> {
  const hash = createHash("sha256");
  for (const name of globSync("**/*.sqlite*", { cwd: folder }).toSorted()) {
    hash.update(`${name}\n`).update(await readFile(join(folder, name)));
  }
  return hash.digest("hex");
}

function beside([ours = [], theirs = []]: readonly number[][]) {
  return {
    measured: { value: median(ours), unit: "ms" },
    peer: { value: median(theirs), unit: "ms", name: "core's own port" },
    ratio: pairedRatio(ours, theirs),
  };
}
