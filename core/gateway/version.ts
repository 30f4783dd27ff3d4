import { existsSync, readFileSync } from "node:fs";

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

/** How this program came to this machine: with npm, or as a copy of its repository. */
export function installKind(): "package" | "git" | "unknown" {
  const root = new URL("../../", import.meta.url);
  if (existsSync(new URL(".git", root))) return "git";
  return root.pathname.includes("/node_modules/") ? "package" : "unknown";
}
