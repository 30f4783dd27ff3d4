import { setTimeout as delay } from "node:timers/promises";
import type { RequestsResult } from "../load/task.ts";
import { cpuMsOf, memoryOf } from "../processes/memory.ts";
import { interleave, median, pairedRatio } from "../stats.ts";
import { atMost, type Findings, type Row } from "../table.ts";
import { bearer, type TunnelEnd, type World } from "../world.ts";

const IDLE_SOCKETS = 1_000;
/** An object sleeps about ten seconds after its last event. */
const FALL_ASLEEP_MS = 13_000;
const SMALL_BYTES = 64;

/** Messages there and back through the edge, and what a thousand silent clients cost it. */
export async function measureSockets(world: World): Promise<Findings> {
  const end = await world.tunnelEnd();
  const forMs = world.quick ? 300 : 1_500;
  const targets = {
    through: bearer(end.edge.port, "/echo", end.token),
    direct: { port: end.port, path: "/echo" },
  };
  const turn = (name: keyof typeof targets, sockets: number, window: number) => () =>
    world.echo(targets[name], { sockets, window, bytes: SMALL_BYTES, forMs });
  const rounds = world.quick ? 1 : 5;
  const one = await interleave(rounds, {
    through: turn("through", 1, 1),
    direct: turn("direct", 1, 1),
  });
  const many = await interleave(rounds, {
    through: turn("through", 16, 32),
    direct: turn("direct", 16, 32),
  });
  return {
    rows: [
      compared("WebSocket echo, 1 client: p50", one, (run) => run.p50Ms, "ms"),
      compared("the same: p99", one, (run) => run.p99Ms, "ms"),
      compared(
        `small messages (${SMALL_BYTES} bytes) there and back, 16 clients × 32 under way`,
        many,
        ({ count, seconds }) => count / seconds,
        "/s",
      ),
      ...(await idleRows(world, end)),
    ],
    notes: [
      `Idle: ${IDLE_SOCKETS} client WebSockets on one relay that say nothing for ${world.quick ? 20 : 60} s. Awake and wakes are what the relay itself writes down.`,
    ],
  };
}

type Runs = Readonly<Record<"through" | "direct", readonly RequestsResult[]>>;

function compared(
  what: string,
  { through, direct }: Runs,
  of: (run: RequestsResult) => number,
  unit: string,
): Row {
  const [ours, theirs] = [through.map(of), direct.map(of)];
  return {
    what,
    measured: { value: median(ours), unit },
    peer: { value: median(theirs), unit, name: "core's own port" },
    ratio: pairedRatio(ours, theirs),
  };
}

async function idleRows(world: World, end: TunnelEnd): Promise<Row[]> {
  const { edge, token } = end;
  const target = bearer(edge.port, "/echo", token);
  const before = await memoryOf(edge.pid);
  const { open } = await world.idle(target, IDLE_SOCKETS);
  const held = await memoryOf(edge.pid);
  const asked = await end.state();
  await delay(FALL_ASLEEP_MS);
  const cpuBefore = await cpuMsOf(edge.pid);
  const idleMs = world.quick ? 20_000 : 60_000;
  await delay(idleMs);
  const cpuMs = (await cpuMsOf(edge.pid)) - cpuBefore;
  const after = await end.state();
  const { closed } = await world.idle(target, 0);
  const wakes = sum(after.wakes) - sum(asked.wakes);
  const growth = held.rssMiB - before.rssMiB;
  return [
    {
      what: `${open} idle clients: RSS of the edge's process for each`,
      measured: { value: (growth * 1024) / open, unit: "KiB" },
    },
    {
      what: `${open} idle clients: wakes in ${idleMs / 1_000} s (ours, to ask, not counted)`,
      measured: { value: wakes - 1, unit: "" },
      budget: atMost(wakes - 1, 0, "0"),
    },
    {
      what: `${open} idle clients: processor time of the edge's process`,
      measured: { value: cpuMs / (idleMs / 1_000), unit: "ms/s" },
    },
    {
      what: `${open} idle clients: closed meanwhile`,
      measured: { value: closed, unit: "" },
      budget: atMost(closed, 0, "0"),
    },
  ];
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
