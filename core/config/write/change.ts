/** What a change makes of a config, as plain trees. Pure. */
import { isDeepStrictEqual } from "node:util";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { Issue } from "../issues/error.ts";
import { pathText } from "../issues/path-text.ts";
import { isTree, valueAt } from "../tree.ts";
import { lostEntries } from "./lost-entries.ts";

export type TreeChange =
  | {
      readonly kind: "set";
      readonly path: readonly string[];
      readonly value: unknown;
      /** True: refused where it would lose entries of what people gather bit by bit. */
      readonly isCareful?: boolean | undefined;
    }
  | { readonly kind: "unset"; readonly path: readonly string[] }
  /** RFC 7396: objects are merged, null takes out, everything else replaces. */
  | {
      readonly kind: "merge";
      readonly patch: unknown;
      /** Lists that may lose entries, as dotted paths; `all`: any. */
      readonly mayReplace: ReadonlySet<string> | "all";
    }
  /** One after the other. */
  | { readonly kind: "batch"; readonly changes: readonly TreeChange[] };

/** One place where two trees differ. Undefined: what was there is gone. */
export interface Edit {
  readonly path: readonly string[];
  readonly value: unknown;
}

export function changeTree(tree: unknown, change: TreeChange): Result<unknown, Issue> {
  switch (change.kind) {
    case "set": {
      const lost = change.isCareful === true ? lostEntries(tree, change.path, change.value) : [];
      if (lost.length === 0) return setAt(tree, change.path, change.value, []);
      const message = `would lose ${lost.slice(0, 3).join(", ")}: --merge adds, --replace means it`;
      return err({ path: pathText(change.path), message });
    }
    case "unset":
      return unsetAt(tree, change.path);
    case "merge":
      return mergePatch(tree, change);
    case "batch":
      return change.changes.reduce<Result<unknown, Issue>>(
        (now, one) => (now.ok ? changeTree(now.value, one) : now),
        ok(tree),
      );
  }
}

function setAt(
  tree: unknown,
  rest: readonly string[],
  value: unknown,
  done: readonly string[],
): Result<unknown, Issue> {
  const [key, ...further] = rest;
  if (key === undefined) return ok(value);
  const at = [...done, key];
  const child = setAt(valueAt(tree, [key]), further, value, at);
  if (!child.ok) return child;
  // A list is begun with its first entry.
  const parent = tree ?? (key === "0" ? [] : {});
  if (Array.isArray(parent)) {
    const index = Number(key);
    if (/^\d{1,9}$/.test(key) && index <= parent.length) {
      return ok([...parent.slice(0, index), child.value, ...parent.slice(index + 1)]);
    }
    const message = `is no entry of a list of ${parent.length}`;
    return err({ path: pathText(at), message });
  }
  if (!isTree(parent)) {
    return err({ path: pathText(done), message: "is neither an object nor a list" });
  }
  return ok(Object.fromEntries(new Map(Object.entries(parent)).set(key, child.value)));
}

function unsetAt(tree: unknown, path: readonly string[]): Result<unknown, Issue> {
  const key = path.at(-1) ?? "";
  const parentPath = path.slice(0, -1);
  const parent = valueAt(tree, parentPath);
  if (valueAt(parent, [key]) === undefined) {
    return err({ path: pathText(path), message: "is not set" });
  }
  const left = Array.isArray(parent)
    ? parent.toSpliced(Number(key), 1)
    : Object.fromEntries(Object.entries(parent ?? {}).filter(([name]) => name !== key));
  return setAt(tree, parentPath, left, []);
}

function mergePatch(
  tree: unknown,
  { patch, mayReplace }: Extract<TreeChange, { kind: "merge" }>,
): Result<unknown, Issue> {
  if (!isTree(patch)) return err({ path: "", message: "a patch is an object: { … }" });
  const merged = patched(tree, patch, [], mayReplace);
  if (mayReplace === "all") return ok(merged);
  const lost = lostLists(tree, merged).find((path) => !mayReplace.has(path.join(".")));
  if (lost === undefined) return ok(merged);
  const path = lost.join(".");
  const message = `would lose entries of the list: name "${path}" in replacePaths if that is meant`;
  return err({ path: pathText(lost), message });
}

function patched(
  target: unknown,
  patch: unknown,
  path: readonly string[],
  mayReplace: ReadonlySet<string> | "all",
): unknown {
  const isFree = mayReplace === "all" || mayReplace.has(path.join("."));
  if (!isFree && Array.isArray(target) && Array.isArray(patch)) return byId(target, patch) ?? patch;
  if (!isTree(patch)) return patch;
  const result = new Map(isTree(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, patched(result.get(key), value, [...path, key], mayReplace));
  }
  return Object.fromEntries(result);
}

/** Lists of things with an id are merged by it; undefined: these are none. */
function byId(target: readonly unknown[], patch: readonly unknown[]): unknown[] | undefined {
  const known = idsOf(target);
  const given = idsOf(patch);
  if (known === undefined || given === undefined) return undefined;
  const merged = new Map(known);
  for (const [id, value] of given) {
    merged.set(id, patched(merged.get(id), value, [], "all"));
  }
  return [...merged.values()];
}

function idsOf(list: readonly unknown[]): Map<string, unknown> | undefined {
  const ids = new Map<string, unknown>();
  for (const one of list) {
    const id = isTree(one) ? one["id"] : undefined;
    if (typeof id !== "string" || ids.has(id)) return undefined;
    ids.set(id, one);
  }
  return ids;
}

/** Lists of `before` with entries that `after` does not have. */
function lostLists(
  before: unknown,
  after: unknown,
  path: readonly string[] = [],
): (readonly string[])[] {
  if (Array.isArray(before)) {
    const left: readonly unknown[] = Array.isArray(after) ? after : [];
    const names = idsOf(left);
    const isLeft = (one: unknown): boolean => {
      const id = isTree(one) ? one["id"] : undefined;
      if (typeof id === "string" && names?.has(id) === true) return true;
      return left.some((other) => isDeepStrictEqual(one, other));
    };
    const isGone = after === undefined || !before.every(isLeft);
    return isGone ? [path] : [];
  }
  if (!isTree(before)) return [];
  return Object.entries(before).flatMap(([key, child]) =>
    lostLists(child, valueAt(after, [key]), [...path, key]),
  );
}

/** What has to be done to `before` so that it is `after`: as little as possible. */
export function editsBetween(
  before: unknown,
  after: unknown,
  path: readonly string[] = [],
): Edit[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    return before.flatMap((one: unknown, index) =>
      editsBetween(one, after[index], [...path, String(index)]),
    );
  }
  if (!isTree(before) || !isTree(after)) return [{ path, value: after }];
  const gone = Object.keys(before).filter((key) => !Object.hasOwn(after, key));
  return [
    ...gone.map((key) => ({ path: [...path, key], value: undefined })),
    ...Object.entries(after).flatMap(([key, value]) =>
      Object.hasOwn(before, key)
        ? editsBetween(before[key], value, [...path, key])
        : [{ path: [...path, key], value }],
    ),
  ];
}
