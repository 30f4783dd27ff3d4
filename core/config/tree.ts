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
