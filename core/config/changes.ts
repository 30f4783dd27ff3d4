import { isTree } from "./tree.ts";

/** Where two plain trees differ, as dotted paths in no order. A list counts as a whole. Pure. */
export function changedPaths(before: unknown, after: unknown, path = ""): string[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  // A section that came or went is told by what is in it.
  const [left, right] = [before ?? {}, after ?? {}];
  if (!isTree(left) || !isTree(right)) return [path];
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  const inside = [...keys].flatMap((key) =>
    changedPaths(own(left, key), own(right, key), path === "" ? key : `${path}.${key}`),
  );
  const isOrderAlone = before !== undefined && after !== undefined;
  return inside.length > 0 || isOrderAlone ? inside : [path];
}

/** Undefined for what is not there, whatever it is called. */
function own(tree: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(tree, key) ? tree[key] : undefined;
}

/** `before`, but where `takes` says so of a path by which the two differ, as in `after`. Pure. */
export function mixOf(
  before: unknown,
  after: unknown,
  takes: (path: string) => boolean,
  path = "",
): unknown {
  if (JSON.stringify(before) === JSON.stringify(after)) return after;
  const [left, right] = [before ?? {}, after ?? {}];
  if (!isTree(left) || !isTree(right)) return takes(path) ? after : before;
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  const mixed = [...keys].flatMap((key) => {
    const at = path === "" ? key : `${path}.${key}`;
    const value = mixOf(own(left, key), own(right, key), takes, at);
    return value === undefined ? [] : [[key, value] as const];
  });
  if (mixed.length === 0) return takes(path) ? after : before;
  return Object.fromEntries(mixed);
}
