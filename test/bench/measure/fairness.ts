import { setTimeout as delay } from "node:timers/promises";
import { memoryOf, resetPeak } from "../processes/memory.ts";
import { interleave, quantile } from "../stats.ts";
import { atMost, type Findings, type Row } from "../table.ts";
import { bearer, type World } from "../world.ts";

const GIB = 1024 * 1024 * 1024;
const EVENTS = "/events?count=200&everyMs=10";
/** Clients that ask for a gigabyte each and take nothing of it. */
const STALLED = 32;
const MAX_GROWTH_MIB = 32;
const SETTLE_MS = 1_000;

/** A token stream beside a download at full speed, and beside readers that do not read. */
export async function measureFairness(world: World): Promise<Findings> {
  const { edge, token } = await world.tunnelEnd();
  // Whatever was measured before has left its edge busy with saying goodbye.
  await delay(SETTLE_MS);
  const events = (): Promise<number[]> =>
    world.events(bearer(edge.port, EVENTS, token)).then(({ delaysMs }) => delaysMs);
  const download = bearer(edge.port, `/download?bytes=${GIB}`, token);
  const upTo = (clients: number) => world.beside({ kind: "stall", target: download, clients });
  const rounds = world.quick ? 1 : 3;
  const { alone, beside } = await interleave(rounds, {
    alone: events,
    beside: async () => {
      const bulk = world.beside({ kind: "transfer", target: download, uploadBytes: 0, times: 1 });
      const delays = await events();
      await bulk;
      return delays;
    },
  });
  const linux = process.platform === "linux";
  const before = linux ? (await memoryOf(edge.pid)).rssMiB : 0;
  if (linux) await resetPeak(edge.pid);
  const stalled: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await upTo(STALLED);
    // What they were sent before they stopped reading is a flood like any other: not what is asked here.
    await delay(SETTLE_MS);
    stalled.push(...(await events()));
    await upTo(0);
  }
  const growth = linux ? (await memoryOf(edge.pid)).peakMiB - before : undefined;
  return {
    rows: [
      row("SSE beside a download at full speed: p99", beside.flat(), alone.flat()),
      row(
        `SSE beside ${STALLED} clients that read nothing of 1 GiB each: p99`,
        stalled,
        alone.flat(),
        2,
      ),
      ...(growth === undefined ? [] : [growthRow(growth)]),
    ],
  };
}

function row(what: string, ours: number[], alone: number[], times?: number): Row {
  const [value, peer] = [quantile(ours, 0.99), quantile(alone, 0.99)];
  const budget =
    times === undefined ? {} : { budget: atMost(value / peer, times, `${times} × alone`) };
  return {
    what,
    measured: { value, unit: "ms" },
    peer: { value: peer, unit: "ms", name: "alone" },
    ratio: value / peer,
    ...budget,
  };
}

function growthRow(growth: number): Row {
  return {
    what: "the same: growth of workerd",
    measured: { value: growth, unit: "MiB" },
    budget: atMost(growth, MAX_GROWTH_MIB, `${MAX_GROWTH_MIB} MiB`),
  };
}
