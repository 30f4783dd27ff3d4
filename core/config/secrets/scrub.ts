/** Takes secrets out of where they were, once they are somewhere else. */
import { readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { variablesIn } from "../environment/substitute.ts";
import { envNames, removeVariables } from "../write/env-file.ts";
import { textOf } from "../write/replace.ts";
import { referredIn } from "./referred.ts";

/**
 * Takes the lines of a file of variables that hold one of the secrets and that the config does not
 * refer to.
 *
 * @param kept - Variables that were set just now.
 */
export async function scrubVariables(
  file: string,
  secrets: ReadonlySet<string>,
  tree: unknown,
  kept: ReadonlyMap<string, unknown>,
): Promise<readonly string[]> {
  const used = new Set([...variablesIn(tree), ...referredIn(tree, "env")]);
  const found = [...(await envNames(file))].filter(
    ([name, value]) => secrets.has(value) && !used.has(name) && !kept.has(name),
  );
  return found.length === 0 ? [] : removeVariables(file, new Set(found.map(([name]) => name)));
}

/**
 * Removes earlier versions of the config that have one of the secrets in them: a secret that was moved
 * and still lies beside its old place is not moved.
 *
 * @returns Files that are gone.
 */
export async function scrubBackups(
  configPath: string,
  written: string,
  secrets: ReadonlySet<string>,
): Promise<readonly string[]> {
  if (secrets.size === 0) return [];
  const folders = new Set([dirname(configPath), dirname(written)]);
  const found = await Promise.all(
    [...folders].map(async (folder) => {
      const names = await readdir(folder).catch(() => []);
      return names
        .filter((name) => isEarlier(name, [configPath, written]))
        .map((name) => join(folder, name));
    }),
  );
  const gone: string[] = [];
  for (const file of new Set(found.flat())) {
    const text = (await textOf(file)) ?? "";
    if (![...secrets].some((secret) => holds(text, secret))) continue;
    await rm(file, { force: true });
    gone.push(file);
  }
  return gone;
}

function isEarlier(name: string, files: readonly string[]): boolean {
  return files.some((file) => {
    const base = basename(file);
    return (
      name.startsWith(`${base}.`) &&
      /^\.(?:bak(?:\.\d)?|last-good|rejected\..+)$/.test(name.slice(base.length))
    );
  });
}

/** As it is, or as JSON writes it. */
function holds(text: string, secret: string): boolean {
  return text.includes(secret) || text.includes(JSON.stringify(secret).slice(1, -1));
}
