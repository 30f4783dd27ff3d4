import { parseInline } from "./inline.ts";
import { readLine, render, renderLine } from "./render.ts";

/**
 * What Telegram takes in one message, UTF-16 units after the entities were parsed.
 * Source: https://core.telegram.org/bots/api#sendmessage
 */
export const MAX_TEXT_UNITS = 4_096;

/** A break at a paragraph is worth a piece this empty, not an emptier one. */
const MIN_FILL = 0.5;
/** How far back from a hard limit a word or a whole grapheme is looked for. */
const LOOK_BACK_UNITS = 256;

/** A line, or a piece of one, that fits into a message. */
interface Part {
  readonly source: string;
  /** What it adds to the visible text. */
  readonly units: number;
  /** How the code block it stands in begins; undefined outside of one. */
  readonly fence: string | undefined;
  /** It is that beginning. */
  readonly opens: boolean;
}

/**
 * Cuts Markdown into pieces that each render to at most `maxUnits` visible UTF-16 units: between
 * paragraphs where that is sensible, else between lines, words, graphemes. Code blocks that are cut
 * are closed and opened again. Pieces in which nothing would be visible are left out.
 */
export function split(markdown: string, maxUnits = MAX_TEXT_UNITS): string[] {
  const pieces: string[] = [];
  let piece: Part[] = [];
  let units = 0;
  for (const part of partsOf(markdown.replaceAll("\r\n", "\n"), maxUnits)) {
    while (piece.length > 0 && units + 1 + part.units > maxUnits) {
      const kept = breakAt(piece, maxUnits);
      pieces.push(join(piece.slice(0, kept)));
      piece = piece.slice(kept);
      units = unitsOf(piece);
    }
    units += part.units + (piece.length > 0 ? 1 : 0);
    piece.push(part);
  }
  pieces.push(join(piece));
  return pieces.filter((text) => render(text).text.trim() !== "");
}

/** How many parts of a full piece to send: up to its last paragraph, or all. */
function breakAt(piece: readonly Part[], maxUnits: number): number {
  let units = 0;
  let best = piece.length;
  for (const [index, part] of piece.entries()) {
    units += part.units + 1;
    const paragraph = part.fence === undefined && part.source.trim() === "";
    if (paragraph && units >= maxUnits * MIN_FILL) best = index + 1;
  }
  return best;
}

function unitsOf(piece: readonly Part[]): number {
  return piece.reduce((sum, part) => sum + part.units + 1, 0) - (piece.length > 0 ? 1 : 0);
}

/** The Markdown of a piece, made whole: code that began before or goes on after gets its fences. */
function join(piece: readonly Part[]): string {
  const lines = piece.map(({ source }) => source);
  const first = piece[0];
  const last = piece.at(-1);
  if (first?.fence !== undefined && !first.opens) lines.unshift(first.fence);
  if (last?.fence !== undefined) lines.push(markOf(last.fence));
  return lines.join("\n").replace(/^\n+|\s+$/g, "");
}

function markOf(fence: string): string {
  return /^[`~]+/.exec(fence)?.[0] ?? "";
}

function* partsOf(markdown: string, maxUnits: number): Generator<Part> {
  let fence: string | undefined;
  for (const source of markdown.split("\n")) {
    const line = readLine(source, fence === undefined ? undefined : markOf(fence));
    if (line.type === "fence_open") {
      fence = `${line.mark}${line.language}`;
      yield { source: fence, units: 0, fence, opens: true };
    } else if (line.type === "fence_close") {
      fence = undefined;
      yield { source, units: 0, fence, opens: false };
    } else {
      yield* cutLine(source, fence, maxUnits);
    }
  }
}

function* cutLine(source: string, fence: string | undefined, maxUnits: number): Generator<Part> {
  // Of an endless line only so much is looked at for each cut, which keeps the work linear.
  const window = maxUnits * 4 + LOOK_BACK_UNITS;
  let rest = source;
  let units = visibleUnits(rest.slice(0, window), fence);
  while (units > maxUnits || rest.length > window) {
    const line = rest.slice(0, window);
    const at = fence === undefined ? inlineCut(line, maxUnits) : graphemeCut(line, maxUnits);
    const head = rest.slice(0, at);
    yield { source: head, units: visibleUnits(head, fence), fence, opens: false };
    rest = fence === undefined ? rest.slice(at).trimStart() : rest.slice(at);
    units = visibleUnits(rest.slice(0, window), fence);
  }
  yield { source: rest, units, fence, opens: false };
}

function visibleUnits(source: string, fence: string | undefined): number {
  if (fence !== undefined) return source.length;
  const line = readLine(source, undefined);
  // A cut can leave a rest that looks like a fence: its length is the safe answer.
  if (line.type === "fence_open" || line.type === "fence_close") return source.length;
  return renderLine(line).text.length;
}

/** Where to cut a line: not inside bold text, code or a link, unless that alone is too long. */
function inlineCut(line: string, maxUnits: number): number {
  let units = 0;
  let last = 0;
  for (const span of parseInline(line)) {
    const source = line.slice(span.start, span.end);
    const after = units + renderLine({ type: "text", prefix: "", text: source }).text.length;
    if (after > maxUnits && span.type === "text") {
      return wordCut(line, span.start, span.start + maxUnits - units);
    }
    last = span.start;
    if (after > maxUnits) break;
    units = after;
  }
  return last > 0 ? last : graphemeCut(line, maxUnits);
}

/** The last white space shortly before `at`, or else a grapheme's end. */
function wordCut(line: string, from: number, at: number): number {
  for (let place = at; place > 0 && place >= from && at - place < LOOK_BACK_UNITS; place -= 1) {
    if (/\s/.test(line[place] ?? "")) return place;
  }
  return graphemeCut(line, at);
}

/** `at`, or as little before it as keeps an emoji or an accented letter whole. */
function graphemeCut(line: string, at: number): number {
  const from = Math.max(0, at - LOOK_BACK_UNITS);
  const window = line.slice(from, at + LOOK_BACK_UNITS);
  let best = 0;
  for (const { index } of new Intl.Segmenter().segment(window)) {
    if (from + index <= at) best = from + index;
  }
  if (best > from) return best;
  // One grapheme fills the window: at least do not halve a surrogate pair.
  return /^[\uDC00-\uDFFF]/.test(line.slice(at)) && at > 1 ? at - 1 : at;
}
