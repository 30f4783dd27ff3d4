/** The value below which `fraction` of them lie (nearest rank). @throws RangeError for no values. */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))];
  if (value === undefined) throw new RangeError("no values");
  return value;
}

/** The middle one; of two in the middle, the mean. @throws RangeError for no values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new RangeError("no values");
  return (lower + upper) / 2;
}

/** The median of `a / b`, pair by pair: what a machine's changing speed does to both cancels out. */
export function pairedRatio(a: readonly number[], b: readonly number[]): number {
  return median(paired(a, b, (x, y) => x / y));
}

/** The median of `a - b`, pair by pair. */
export function pairedDifference(a: readonly number[], b: readonly number[]): number {
  return median(paired(a, b, (x, y) => x - y));
}

function paired(
  a: readonly number[],
  b: readonly number[],
  combine: (x: number, y: number) => number,
): number[] {
  if (a.length !== b.length) throw new RangeError(`${a.length} values for ${b.length}`);
  return a.map((value, index) => combine(value, b[index] ?? Number.NaN));
}

/** One run of something that is measured. */
export type Contestant<Sample> = () => Promise<Sample>;

/**
 * Runs all contestants once a round, one at a time, forwards and backwards by turns (A B, B A, …):
 * whatever slows the machine down for a while slows all of them, and none is always the first.
 *
 * @returns The samples of each by round.
 */
export async function interleave<Name extends string, Sample>(
  rounds: number,
  contestants: Readonly<Record<Name, Contestant<Sample>>>,
): Promise<Readonly<Record<Name, Sample[]>>>;
export async function interleave<Sample>(
  rounds: number,
  contestants: Readonly<Record<string, Contestant<Sample>>>,
): Promise<Readonly<Record<string, Sample[]>>> {
  const entries = Object.entries(contestants);
  const samples = Object.fromEntries(entries.map(([name]): [string, Sample[]] => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, run] of round % 2 === 0 ? entries : entries.toReversed()) {
      samples[name]?.push(await run());
    }
  }
  return samples;
}
