/** Small moves on plain JSON trees. Pure: what is given stays as it is. */

export type Tree = Readonly<Record<string, unknown>>;

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** True when something stands deeper than `levels` objects or lists. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((child) => isDeeperThan(child, levels - 1));
}

/** The tree without what stands at the dotted paths; elements of lists count from 0. */
export function omit(value: unknown, paths: ReadonlySet<string>, prefix = ""): unknown {
  if (Array.isArray(value)) {
    return value.flatMap((child: unknown, index) =>
      paths.has(`${prefix}${index}`) ? [] : [omit(child, paths, `${prefix}${index}.`)],
    );
  }
  if (!isTree(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !paths.has(prefix + key))
      .map(([key, child]) => [key, omit(child, paths, `${prefix}${key}.`)]),
  );
}

/** Both in one: objects by key, lists one after the other; of everything else the later one counts. */
export function merge(earlier: unknown, later: unknown): unknown {
  if (Array.isArray(earlier) && Array.isArray(later)) return [...earlier, ...later];
  if (!isTree(earlier) || !isTree(later)) return later;
  const merged = new Map(Object.entries(earlier));
  for (const [key, value] of Object.entries(later)) {
    merged.set(key, merged.has(key) ? merge(merged.get(key), value) : value);
  }
  return Object.fromEntries(merged);
}

/** What stands at `path`; undefined when there is nothing. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce((at: unknown, key) => {
    if (Array.isArray(at)) return /^\d{1,9}$/.test(key) ? at[Number(key)] : undefined;
    return isTree(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }, value);
}

/** The same tree with every text at a path gone through `change`. */
export function mapTexts(
  value: unknown,
  change: (text: string, path: readonly string[]) => unknown,
  path: readonly string[] = [],
): unknown {
  if (typeof value === "string") return change(value, path);
  if (Array.isArray(value)) {
    return value.map((one: unknown, index) => mapTexts(one, change, [...path, String(index)]));
  }
  if (!isTree(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [key, mapTexts(child, change, [...path, key])]),
  );
}
