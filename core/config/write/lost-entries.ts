/** Entries that people add one by one, and would lose by an assignment to all of them. Pure. */
import { isTree, valueAt } from "../tree.ts";

/** `*` is any name. Source: `openclaw config set` of 2026.9. */
const GATHERED = [
  "agents.defaults.models",
  "agents.entries",
  "models.providers",
  "models.providers.*",
  "models.providers.*.models",
  "plugins.entries",
  "auth.profiles",
].map((path) => path.split("."));

/** Names or ids that `value` at `path` does not have any more; empty where nobody gathers anything. */
export function lostEntries(tree: unknown, path: readonly string[], value: unknown): string[] {
  const isGathered = GATHERED.some(
    (one) =>
      one.length === path.length && one.every((part, at) => part === "*" || part === path[at]),
  );
  if (!isGathered) return [];
  const left = new Set(namesOf(value));
  return namesOf(valueAt(tree, path)).filter((name) => !left.has(name));
}

function namesOf(value: unknown): string[] {
  if (isTree(value)) return Object.keys(value);
  if (!Array.isArray(value)) return [];
  return value.flatMap((one: unknown) => {
    const id = isTree(one) ? one["id"] : undefined;
    return typeof id === "string" ? [id] : [];
  });
}
