import { findProgram, type Proxy, startNginx, startSshTunnel } from "../peers/proxies.ts";
import { interleave, median, pairedDifference, pairedRatio } from "../stats.ts";
import { atLeast, atMost, type Findings, type Row, short } from "../table.ts";
import { bearer, type World } from "../world.ts";
import type { RequestsResult, Target } from "../load/task.ts";
import { wrkPerSecond } from "../load/wrk.ts";

/** One small request on every way there is, against a bare Worker that asks a Durable Object. */
export async function measurePath(world: World): Promise<Findings> {
  const [floor, end, core] = [await world.floor(), await world.tunnelEnd(), await world.core()];
  const models = (port: number): Target => bearer(port, "/v1/models", core.token);
  const proxies = await startProxies(world, core.port);
  const targets: Record<string, Target> = {
    floor: { port: floor.port, path: "/" },
    edge: bearer(end.edge.port, "/tiny", end.token),
    edgeToCore: models(core.edge?.port ?? 0),
    core: models(core.port),
    ...Object.fromEntries(proxies.found.map(([name, { port }]) => [name, models(port)])),
  };
  const one = await race(world, targets, 1);
  const many = await race(world, targets, 16);
  return {
    rows: [
      ...latencyRows(one),
      ...throughputRows(many),
      ...proxies.found.flatMap(([name]) => proxyRows(name, one, many)),
      ...proxies.missing.map((name): Row => ({ what: `${name} → core`, skipped: "not installed" })),
    ],
    notes: [
      "Floor: a Worker that asks a Durable Object, in a process of the same `workerd` with the same configuration.",
      "`/tiny` is answered right behind the real tunnel; `/v1/models` by the whole core.",
      await crossCheck(world, targets),
    ],
  };
}

type Results = Readonly<Record<string, readonly RequestsResult[]>>;

async function race(
  world: World,
  targets: Readonly<Record<string, Target>>,
  connections: number,
): Promise<Results> {
  const forMs = world.quick ? 300 : 1_500;
  const runs = Object.fromEntries(
    Object.entries(targets).map(([name, target]) => [
      name,
      () => world.requests(target, { connections, forMs }),
    ]),
  );
  // Not counted: the first round compiles.
  await interleave(1, runs);
  return interleave(world.quick ? 3 : 9, runs);
}

function latencyRows(results: Results): Row[] {
  const floor = p50(results, "floor");
  const edge = p50(results, "edge");
  const added = pairedDifference(edge, floor);
  const peer = { value: median(floor), unit: "ms", name: "floor" };
  return [
    {
      what: "edge + relay + tunnel, small request, 1 connection: p50",
      measured: { value: median(edge), unit: "ms" },
      peer,
      ratio: pairedRatio(edge, floor),
      budget: atMost(added, 0.5, "floor + 0.5 ms"),
    },
    {
      what: "the same: p99",
      measured: { value: median(p99(results, "edge")), unit: "ms" },
      peer: { value: median(p99(results, "floor")), unit: "ms", name: "floor" },
      ratio: pairedRatio(p99(results, "edge"), p99(results, "floor")),
    },
    {
      what: "edge + relay + tunnel + core, /v1/models, 1 connection: p50",
      measured: { value: median(p50(results, "edgeToCore")), unit: "ms" },
      peer: { value: median(p50(results, "core")), unit: "ms", name: "core's own port" },
      ratio: pairedRatio(p50(results, "edgeToCore"), p50(results, "core")),
    },
  ];
}

function throughputRows(results: Results): Row[] {
  const floor = perSecond(results, "floor");
  const edge = perSecond(results, "edge");
  const ratio = pairedRatio(edge, floor);
  const peer = { value: median(floor), unit: "/s", name: "floor" };
  return [
    {
      what: "edge + relay + tunnel, small request, 16 connections: throughput",
      measured: { value: median(edge), unit: "/s" },
      peer,
      ratio,
      budget: atLeast(ratio, 0.8, "0.8 × floor"),
    },
    {
      what: "the same: p50",
      measured: { value: median(p50(results, "edge")), unit: "ms" },
      peer: { value: median(p50(results, "floor")), unit: "ms", name: "floor" },
      ratio: pairedRatio(p50(results, "edge"), p50(results, "floor")),
    },
    {
      what: "the same: p99",
      measured: { value: median(p99(results, "edge")), unit: "ms" },
      peer: { value: median(p99(results, "floor")), unit: "ms", name: "floor" },
      ratio: pairedRatio(p99(results, "edge"), p99(results, "floor")),
    },
    {
      what: "edge + relay + tunnel + core, /v1/models, 16 connections: throughput",
      measured: { value: median(perSecond(results, "edgeToCore")), unit: "/s" },
      peer: { value: median(perSecond(results, "core")), unit: "/s", name: "core's own port" },
      ratio: pairedRatio(perSecond(results, "edgeToCore"), perSecond(results, "core")),
    },
  ];
}

/** Our way next to theirs; both end at the same core. */
function proxyRows(name: string, one: Results, many: Results): Row[] {
  return [
    {
      what: `edge + relay + tunnel + core, 1 connection: p50, beside ${name} → core`,
      measured: { value: median(p50(one, "edgeToCore")), unit: "ms" },
      peer: { value: median(p50(one, name)), unit: "ms", name },
      ratio: pairedRatio(p50(one, "edgeToCore"), p50(one, name)),
    },
    {
      what: `the same, 16 connections: throughput, beside ${name} → core`,
      measured: { value: median(perSecond(many, "edgeToCore")), unit: "/s" },
      peer: { value: median(perSecond(many, name)), unit: "/s", name },
      ratio: pairedRatio(perSecond(many, "edgeToCore"), perSecond(many, name)),
    },
  ];
}

/** The throughput rows once more, by another tool. */
async function crossCheck(
  { quick }: World,
  targets: Readonly<Record<string, Target>>,
): Promise<string> {
  const wrk = await findProgram("wrk");
  const { floor, edge } = targets;
  if (wrk === undefined || floor === undefined || edge === undefined) {
    return "No cross-check of the throughput: wrk is not installed.";
  }
  const run = (target: Target) => () =>
    wrkPerSecond(wrk, target, { connections: 16, seconds: quick ? 1 : 3 });
  const found = await interleave(quick ? 1 : 3, { floor: run(floor), edge: run(edge) });
  const [bare, ours] = [median(found.floor), median(found.edge)];
  const ratio = pairedRatio(found.edge, found.floor);
  return `The same with wrk, 16 connections: floor ${short(bare)} /s, edge + relay + tunnel ${short(ours)} /s, ratio ${short(ratio)}.`;
}

async function startProxies(
  world: World,
  corePort: number,
): Promise<{ readonly found: [string, Proxy][]; readonly missing: string[] }> {
  const [nginx, ssh, sshd] = await Promise.all(["nginx", "ssh", "sshd"].map(findProgram));
  const found: [string, Proxy][] = [];
  const missing: string[] = [];
  const { folder, parts } = world;
  if (nginx === undefined) missing.push("nginx");
  else found.push(["nginx", await startNginx(nginx, corePort, folder, parts)]);
  if (ssh === undefined || sshd === undefined) missing.push("ssh -R");
  else found.push(["ssh -R", await startSshTunnel({ ssh, sshd }, corePort, folder, parts)]);
  return { found, missing };
}

function p50(results: Results, name: string): number[] {
  return samples(results, name).map((sample) => sample.p50Ms);
}

function p99(results: Results, name: string): number[] {
  return samples(results, name).map((sample) => sample.p99Ms);
}

function perSecond(results: Results, name: string): number[] {
  return samples(results, name).map(({ count, seconds }) => count / seconds);
}

function samples(results: Results, name: string): readonly RequestsResult[] {
  return results[name] ?? [];
}
