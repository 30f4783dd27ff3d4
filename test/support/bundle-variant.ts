import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/**
 * An edge that differs from the product: `source` is a Worker that imports what it extends.
 *
 * @param source - JavaScript; its imports are seen from the root of the checkout.
 * @returns The path of its bundle, for `startEdge`.
 */
export async function bundleVariant(name: string, source: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: ROOT, loader: "js" },
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:workers"],
    define: { SALLYPORT_VERSION: JSON.stringify(`0.0.0-${name}`) },
    logLevel: "silent",
  });
  const [script] = outputFiles;
  if (script === undefined) throw new Error("esbuild made no output");
  const path = `${ROOT}.build/${name}/worker.js`;
  await mkdir(dirname(path), { recursive: true });
  // Renamed into place: another test file may be starting the bundle of the run before.
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, script.contents);
  await rename(draft, path);
  return path;
}
