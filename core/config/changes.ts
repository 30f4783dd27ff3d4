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
