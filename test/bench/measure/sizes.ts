import { execFile } from "node:child_process";
import { copyFile, lstat, mkdtemp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { bundleEdge, MAX_BUNDLE_BYTES } from "../../../infra/cloudflare/bundle.ts";
import { readWrangler } from "../../../infra/cloudflare/settings.ts";
import { edgeWorker } from "../../../infra/cloudflare/workerd-config.ts";
import { ROOT } from "../processes/core.ts";
import { errorText } from "../processes/error-text.ts";
import { cpuMsOf } from "../processes/memory.ts";
import { interleave, pairedDifference } from "../stats.ts";
import { atMost, type Findings, type Row } from "../table.ts";
import type { World } from "../world.ts";

const MAX_INSTALL_MB = 120;
const MAX_START_CPU_MS = 50;
/** An installation from the network takes half a minute on a slow one. */
const INSTALL_TIMEOUT_MS = 240_000;

/** What there is to download: the edge's bundle and the core's packages. */
export async function measureSizes(world: World): Promise<Findings> {
  return { rows: [await bundleRow(world), await startCpuRow(world), await installRow(world)] };
}

async function bundleRow({ folder }: World): Promise<Row> {
  const { bytes } = await bundleEdge(join(folder, "worker.js"));
  const kib = bytes / 1024;
  const limit = MAX_BUNDLE_BYTES / 1024;
  return {
    what: "edge: bundle, minified",
    measured: { value: kib, unit: "KiB" },
    budget: atMost(kib, limit, `${limit} KiB`),
  };
}

/** Processor time of the runtime until it listens, above that with a Worker of a few lines. */
async function startCpuRow(world: World): Promise<Row> {
  const what = "edge: processor time to start, above a bare Worker";
  if (process.platform !== "linux") return { what, skipped: "needs /proc" };
  const { path } = await bundleEdge(join(world.folder, "worker.js"));
  const script = await readFile(path, "utf8");
  const settings = await readWrangler();
  const bindings = { PAIRING_SECRET: "x".repeat(43) };
  const { edge, bare } = await interleave(world.quick ? 3 : 9, {
    edge: async () => {
      const storageDir = await mkdtemp(join(world.folder, "edge-"));
      return startCpuMs(world, edgeWorker(settings, script, { port: 0, storageDir, bindings }));
    },
    bare: async () => startCpuMs(world, await world.floorWorker()),
  });
  const value = pairedDifference(edge, bare);
  return {
    what,
    measured: { value, unit: "ms" },
    budget: atMost(value, MAX_START_CPU_MS, `${MAX_START_CPU_MS} ms`),
  };
}

async function startCpuMs(
  world: World,
  worker: Parameters<World["startRuntime"]>[0],
): Promise<number> {
  await using runtime = await world.startRuntime(worker);
  return cpuMsOf(runtime.pid);
}

async function installRow({ quick, folder }: World): Promise<Row> {
  const what = "core: npm ci --omit=dev --omit=optional";
  if (quick) return { what, skipped: "not in a quick run" };
  const home = await mkdtemp(join(folder, "install-"));
  for (const file of ["package.json", "package-lock.json"]) {
    await copyFile(join(ROOT, file), join(home, file));
  }
  const args = ["ci", "--omit=dev", "--omit=optional", "--ignore-scripts", "--no-audit"];
  try {
    await promisify(execFile)("npm", [...args, "--no-fund", "--prefer-offline"], {
      cwd: home,
      timeout: INSTALL_TIMEOUT_MS,
    });
  } catch (error) {
    return { what, skipped: `npm cannot install: ${errorText(error).slice(0, 80)}` };
  }
  const megabytes = (await diskBytes(join(home, "node_modules"))) / 1e6;
  return {
    what,
    measured: { value: megabytes, unit: "MB" },
    budget: atMost(megabytes, MAX_INSTALL_MB, `${MAX_INSTALL_MB} MB`),
  };
}

/** Blocks, as `du` counts them: small files take more than they hold. */
async function diskBytes(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  const sizes = await Promise.all(
    names.map(async (name) => (await lstat(join(folder, name))).blocks * 512),
  );
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}
