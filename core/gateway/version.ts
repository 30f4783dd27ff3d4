import { readFileSync } from "node:fs";

/**
 * Version of this program, from its package manifest. Without zod: `--version` is asked for by
 * scripts, and loading that would take longer than all the rest.
 */
export function readVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const manifest: unknown = JSON.parse(text);
  const isObject = typeof manifest === "object" && manifest !== null;
  if (isObject && "version" in manifest && typeof manifest.version === "string") {
    return manifest.version;
  }
  throw new Error("the package manifest has no version");
}
