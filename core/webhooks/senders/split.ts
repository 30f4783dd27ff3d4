/** Cuts an answer into what a platform takes at once. Pure. */

const CUT = "…";

export interface SplitLimits {
  /** UTF-16 units of one piece. */
  readonly maxUnits: number;
  /** What is more is left out: people are not read a book to. */
  readonly maxPieces: number;
}

/** Pieces end where lines do, or else words. Blank text is no piece. */
export function splitText(text: string, { maxUnits, maxPieces }: SplitLimits): string[] {
  const pieces: string[] = [];
  let rest = text.toWellFormed().trim();
  while (rest !== "") {
    if (pieces.length === maxPieces - 1 && rest.length > maxUnits) {
      return [...pieces, `${cut(rest, maxUnits - CUT.length)}${CUT}`];
    }
    const piece = rest.length <= maxUnits ? rest : cut(rest, maxUnits);
    pieces.push(piece);
    rest = rest.slice(piece.length).trim();
  }
  return pieces;
}

/** In the second half only: a piece of three words helps nobody. */
function cut(text: string, maxUnits: number): string {
  const head = text.slice(0, maxUnits + 1);
  const at = ["\n", " "]
    .map((mark) => head.lastIndexOf(mark))
    .find((index) => index >= maxUnits / 2);
  return text
    .slice(0, at ?? maxUnits)
    .replace(/[\uD800-\uDBFF]$/, "")
    .trimEnd();
}
