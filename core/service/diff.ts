type Table = readonly (readonly number[])[];
type Pair = readonly [number, number];

/**
 * Line by line what becomes of a text: `-` goes, `+` comes, a blank stays. Empty when nothing
 * changes. Pure; for texts of some hundred lines.
 */
export function diffLines(before: string, after: string): string[] {
  if (before === after) return [];
  const a = linesOf(before);
  const b = linesOf(after);
  const common = lengths(a, b);
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const sign = signAt(a, b, common, [i, j]);
    lines.push(`${sign}${sign === "+" ? b[j] : a[i]}`);
    if (sign !== "+") i += 1;
    if (sign !== "-") j += 1;
  }
  return lines;
}

type Sign = " " | "-" | "+";

/** @param common - How many lines both still have in common from there. */
function signAt(a: readonly string[], b: readonly string[], common: Table, [i, j]: Pair): Sign {
  if (i >= a.length) return "+";
  if (j >= b.length) return "-";
  if (a[i] === b[j]) return " ";
  return at(common, i + 1, j) >= at(common, i, j + 1) ? "-" : "+";
}

function at(table: Table, i: number, j: number): number {
  return table[i]?.[j] ?? 0;
}

function linesOf(text: string): string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

/** How many lines both have in common, from each pair of places to their ends. */
function lengths(a: readonly string[], b: readonly string[]): number[][] {
  const table = Array.from({ length: a.length + 1 }, () => Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const row = table[i];
      const below = table[i + 1] ?? [];
      if (row === undefined) continue;
      row[j] = a[i] === b[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  return table;
}
