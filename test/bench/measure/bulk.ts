import type { Target, TransferResult } from "../load/task.ts";
import { memoryOf, resetPeak } from "../processes/memory.ts";
import { interleave, median, pairedRatio } from "../stats.ts";
import { atLeast, atMost, type Findings, type Row } from "../table.ts";
import { bearer, type World } from "../world.ts";

const MIB = 1024 * 1024;
/** What the edge lets through as one body. */
const UPLOAD_BYTES = 25 * MIB;
const MIN_MIB_PER_SECOND = 50;
const MAX_GROWTH_MIB = 32;

interface Way {
  readonly target: Target;
  /** Of the runtime in between. */
  readonly pid: number;
  readonly uploadBytes: number;
  readonly times: number;
}

interface Moved {
  readonly mibPerSecond: number;
  /** Undefined where the kernel does not say. */
  readonly growthMiB: number | undefined;
}

/** Much at once through one relay, each way, and whether the relay holds on to it. */
export async function measureBulk(world: World): Promise<Findings> {
  const [{ edge, token }, floor] = [await world.tunnelEnd(), await world.floor()];
  const total = (world.quick ? 64 : 512) * MIB;
  const times = Math.ceil(total / UPLOAD_BYTES);
  const down = `/download?bytes=${total}`;
  const upload = { method: "POST", path: "/upload" } as const;
  const ways = {
    down: { target: bearer(edge.port, down, token), pid: edge.pid, uploadBytes: 0, times: 1 },
    floorDown: {
      target: { port: floor.port, path: down },
      pid: floor.pid,
      uploadBytes: 0,
      times: 1,
    },
    up: {
      target: { ...bearer(edge.port, "/upload", token), ...upload },
      pid: edge.pid,
      uploadBytes: UPLOAD_BYTES,
      times,
    },
    floorUp: {
      target: { port: floor.port, ...upload },
      pid: floor.pid,
      uploadBytes: UPLOAD_BYTES,
      times,
    },
  };
  const runs = {
    down: () => move(world, ways.down),
    floorDown: () => move(world, ways.floorDown),
    up: () => move(world, ways.up),
    floorUp: () => move(world, ways.floorUp),
  };
  // A runtime that has never moved anything grows by its own compiled code, too.
  await world.transfer(bearer(edge.port, `/download?bytes=${8 * MIB}`, token), 0, 1);
  await world.transfer({ port: floor.port, path: `/download?bytes=${8 * MIB}` }, 0, 1);
  const found = await interleave(world.quick ? 1 : 3, runs);
  return {
    rows: [
      ...rowsOf("core → client", found.down, found.floorDown),
      ...rowsOf("client → core", found.up, found.floorUp),
    ],
    notes: [
      `Bulk: ${total / MIB} MiB each way on one connection (upwards as ${times} bodies of 25 MiB, which is what the edge lets through). Memory is the highest VmHWM of workerd above its VmRSS before.`,
    ],
  };
}

async function move(world: World, way: Way): Promise<Moved> {
  const { target, pid, uploadBytes, times } = way;
  const linux = process.platform === "linux";
  const before = linux ? (await memoryOf(pid)).rssMiB : 0;
  if (linux) await resetPeak(pid);
  const result = await world.transfer(target, uploadBytes, times);
  return {
    mibPerSecond: speedOf(result),
    growthMiB: linux ? (await memoryOf(pid)).peakMiB - before : undefined,
  };
}

function rowsOf(way: string, ours: readonly Moved[], floor: readonly Moved[]): Row[] {
  const [fast, bare] = [ours, floor].map((runs) => runs.map(({ mibPerSecond }) => mibPerSecond));
  const speed = median(fast ?? []);
  const [grown, bareGrown] = [highest(ours), highest(floor)];
  return [
    {
      what: `bulk, ${way}`,
      measured: { value: speed, unit: "MiB/s" },
      peer: { value: median(bare ?? []), unit: "MiB/s", name: "floor" },
      ratio: pairedRatio(fast ?? [], bare ?? []),
      budget: atLeast(speed, MIN_MIB_PER_SECOND, `${MIN_MIB_PER_SECOND} MiB/s`),
    },
    grown === undefined || bareGrown === undefined
      ? { what: `bulk, ${way}: memory of workerd`, skipped: "needs /proc" }
      : {
          what: `bulk, ${way}: growth of workerd`,
          measured: { value: grown, unit: "MiB" },
          peer: { value: bareGrown, unit: "MiB", name: "floor" },
          budget: atMost(grown, MAX_GROWTH_MIB, `${MAX_GROWTH_MIB} MiB`),
        },
  ];
}

function highest(runs: readonly Moved[]): number | undefined {
  const grown = runs.flatMap(({ growthMiB }) => (growthMiB === undefined ? [] : [growthMiB]));
  return grown.length === 0 ? undefined : Math.max(...grown);
}

function speedOf({ bytes, seconds }: TransferResult): number {
  return bytes / MIB / seconds;
}
