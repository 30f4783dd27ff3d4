/**
 * Makes the one script that is the edge. Tests, `npm start` and `wrangler deploy` all run what
 * this made. As a program: bundles, prints the size, and fails above the budget.
 */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import * as z from "zod";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Where the bundle is put unless told otherwise; `main` in wrangler.toml. */
const BUNDLE_PATH = `${ROOT}.build/edge/worker.js`;

/** A bigger script starts slower in every isolate. Half of ours is relay, tunnel and webhooks. */
export const MAX_BUNDLE_BYTES = 300 * 1024;

const Package = z.object({ version: z.string() });

export interface Bundle {
  readonly path: string;
  readonly bytes: number;
}

/** @throws Error with esbuild's messages when the source does not compile. */
export async function bundleEdge(path: string = BUNDLE_PATH): Promise<Bundle> {
  const { version } = Package.parse(JSON.parse(await readFile(`${ROOT}package.json`, "utf8")));
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: ["edge/worker.ts"],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:workers"],
    define: { SALLYPORT_VERSION: JSON.stringify(version) },
    legalComments: "none",
    logLevel: "silent",
  });
  const [script] = outputFiles;
  if (script === undefined) throw new Error("esbuild made no output");
  await mkdir(dirname(path), { recursive: true });
  // Renamed into place: another process may be reading the bundle of the run before.
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, script.contents);
  await rename(draft, path);
  return { path, bytes: script.contents.byteLength };
}

if (import.meta.main) {
  const { path, bytes } = await bundleEdge(process.argv[2]);
  const size = `${(bytes / 1024).toFixed(1)} KiB of ${MAX_BUNDLE_BYTES / 1024}`;
  process.stdout.write(`${path}: ${size}\n`);
  if (bytes > MAX_BUNDLE_BYTES) process.exitCode = 1;
}
