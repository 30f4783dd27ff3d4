import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

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

/** Version of the copy of this program in a folder; undefined where there is none. */
export function readVersionOf(folder: string): string | undefined {
  try {
    const text = readFileSync(join(folder, "package.json"), "utf8");
    return /"version":\s*"(?<version>[^"\s]{1,40})"/.exec(text)?.groups?.["version"];
  } catch {
    return undefined; // it is gone, or not ours to read: then nobody can tell
  }
}

/** How this program came to this machine: with npm, or as a copy of its repository. */
export function installKind(): "package" | "git" | "unknown" {
  const root = new URL("../../", import.meta.url);
  if (existsSync(new URL(".git", root))) return "git";
  return root.pathname.includes("/node_modules/") ? "package" : "unknown";
}
