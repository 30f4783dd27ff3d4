/** A property that does not hold. */
export class PropertyError extends Error {}

/** @throws PropertyError when `holds` is false. */
export function check(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new PropertyError(otherwise);
}

/** Compares numbers, one by one; far quicker than a general comparison. */
export function checkEqual(
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  otherwise: string,
): void {
  let same = got.length === expected.length;
  for (let index = 0; same && index < got.length; index += 1) {
    same = got[index] === expected[index];
  }
  if (same) return;
  const [left, right] = [got, expected].map((list) => Array.from(list).slice(0, 16).join(","));
  throw new PropertyError(`${otherwise}: got ${left}, expected ${right}`);
}
