/** Edits between a typo and what was meant: one slip in short words, two in longer ones. */
function tolerance(word: string): number {
  return word.length < 4 ? 1 : 2;
}

/** The candidate that `word` is most likely a slip of the pen for; undefined when none is near. Pure. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: { readonly candidate: string; readonly edits: number } | undefined;
  for (const candidate of candidates) {
    const edits = editsBetween(word.toLowerCase(), candidate.toLowerCase());
    if (edits <= tolerance(word) && (best === undefined || edits < best.edits)) {
      best = { candidate, edits };
    }
  }
  return best?.candidate;
}

/** Levenshtein distance, row by row. Words here are keys: short, and cut to be sure. */
function editsBetween(a: string, b: string): number {
  const left = a.slice(0, 64);
  const right = b.slice(0, 64);
  let above = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [row, char] of left.split("").entries()) {
    const current = [row + 1];
    for (const [column, other] of right.split("").entries()) {
      current.push(
        Math.min(
          (above[column + 1] ?? 0) + 1,
          (current[column] ?? 0) + 1,
          (above[column] ?? 0) + (char === other ? 0 : 1),
        ),
      );
    }
    above = current;
  }
  return above.at(-1) ?? 0;
}
