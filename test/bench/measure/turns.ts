import { setTimeout as delay } from "node:timers/promises";
import { type RequestsResult, type Target } from "../load/task.ts";
import { memoryOf } from "../processes/memory.ts";
import { interleave, median, pairedRatio } from "../stats.ts";
import { atLeast, atMost, type Findings, type Measured, type Row } from "../table.ts";
import type { World } from "../world.ts";

/** After this long with nothing to do, what a start needed for itself has been given back. */
const IDLE_MS = 10_000;

const TURNS = 1_000;

const MAX_P50_MS = 10;
const MIN_PER_SECOND = 200;

const BODY = JSON.stringify({
  model: "openclaw",
  messages: [{ role: "user", content: "How do you do?" }],
});

/** Chats with a model that answers at once, and what they cost in memory. */
export async function measureTurns(world: World): Promise<Findings> {
  await leaveCompiled(world);
  const [core, bare] = [await world.core(), await world.bareGateway()];
  const ours = chat(core.port, { Authorization: `Bearer ${core.token}` });
  const theirs = chat(bare.port, {});
  const memory: Row[] = [];
  if (process.platform === "linux") {
    await delay(world.quick ? 2_000 : IDLE_MS);
    const idle = (await memoryOf(core.pid)).rssMiB;
    await world.requests(ours, { connections: 4, count: TURNS });
    const after = (await memoryOf(core.pid)).rssMiB;
    memory.push(memoryRow("core: RSS idle", idle, 120));
    memory.push(memoryRow("core: RSS after 1,000 turns", after, 180));
  } else {
    memory.push({ what: "core: RSS", skipped: "needs /proc" });
  }
  const forMs = world.quick ? 400 : 2_000;
  const race = (connections: number) => ({
    ours: () => world.requests(ours, { connections, forMs }),
    theirs: () => world.requests(theirs, { connections, forMs }),
  });
  const rounds = world.quick ? 3 : 7;
  await interleave(1, race(16));
  const one = await interleave(rounds, race(1));
  const many = await interleave(rounds, race(16));
  return {
    rows: [
      ...memory,
      {
        ...row("agent turn, 1 connection: p50", "ms", one, p50),
        budget: atMost(median(one.ours.map(p50)), MAX_P50_MS, `${MAX_P50_MS} ms`),
      },
      row("agent turns, 1 connection", "/s", one, perSecond),
      row("agent turn, 16 connections: p50", "ms", many, p50),
      {
        ...row("agent turns, 16 connections", "/s", many, perSecond),
        budget: atLeast(median(many.ours.map(perSecond)), MIN_PER_SECOND, `${MIN_PER_SECOND} /s`),
      },
    ],
    notes: [
      "Memory: of a core that found its compiled code, connected to an edge, 10 s after its start.",
      "Turns: POST /v1/chat/completions at the core's own port, each a session of its own, kept in SQLite; model, core and load are three processes. Peer: Hono on node:http that passes the body on with fetch.",
    ],
  };
}

/**
 * Only the first start of a core on a machine has to strip types, and keeps the memory which that
 * takes: those after it find compiled code.
 */
async function leaveCompiled(world: World): Promise<void> {
  const core = await world.startCore(await world.startEdge());
  const auth = { Authorization: `Bearer ${core.token}` };
  await world.requests(chat(core.port, auth), { connections: 1, count: 1 });
  await core.stop();
}

interface Race {
  readonly ours: readonly RequestsResult[];
  readonly theirs: readonly RequestsResult[];
}

function row(
  what: string,
  unit: "ms" | "/s",
  race: Race,
  of: (result: RequestsResult) => number,
): Measured {
  const [ours, theirs] = [race.ours.map(of), race.theirs.map(of)];
  return {
    what,
    measured: { value: median(ours), unit },
    peer: { value: median(theirs), unit, name: "bare Hono" },
    ratio: pairedRatio(ours, theirs),
  };
}

function memoryRow(what: string, value: number, limit: number): Row {
  // The budget is in MB, the kernel counts in KiB.
  const megabytes = (value * 1024 * 1024) / 1e6;
  return {
    what,
    measured: { value: megabytes, unit: "MB" },
    budget: atMost(megabytes, limit, `${limit} MB`),
  };
}

function chat(port: number, headers: Readonly<Record<string, string>>): Target {
  return {
    port,
    method: "POST",
    path: "/v1/chat/completions",
    headers: { "Content-Type": "application/json", ...headers },
    body: BODY,
  };
}

function p50({ p50Ms }: RequestsResult): number {
  return p50Ms;
}

function perSecond({ count, seconds }: RequestsResult): number {
  return count / seconds;
}
