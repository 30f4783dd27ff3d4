import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bundleEdge, MAX_BUNDLE_BYTES } from "./bundle.ts";

test("the bundle is one small script with the Worker, its relay and nothing of Node", async () => {
  await using folder = await temporary();
  const { path, bytes } = await bundleEdge(join(folder.path, "deep", "worker.js"));
  expect(bytes).toBeLessThanOrEqual(MAX_BUNDLE_BYTES);
  expect(await readdir(join(folder.path, "deep"))).toEqual(["worker.js"]);
  const script = await readFile(path, "utf8");
  const imports = [...script.matchAll(/\}from"(?<name>[^"]+)"/g)].map(({ groups }) => groups);
  expect(imports).toEqual([{ name: "cloudflare:workers" }]);
  expect(script).toMatch(/export\s*\{[^}]*\bas Relay\b[^}]*\bas default\b[^}]*\}/);
});

async function temporary(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "edge-bundle-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
