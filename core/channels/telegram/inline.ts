/**
 * The inline half of the Markdown that models write: one line in, a tree out. Pure.
 *
 * Forgiving by design: whatever is not clearly markup stays as the text it is, so no input fails
 * and none is lost.
 */
export type Inline = TextSpan | CodeSpan | StyledSpan | LinkSpan;

interface Span {
  /** Where the span stands in the line, UTF-16 units, end exclusive. */
  readonly start: number;
  readonly end: number;
}

export interface TextSpan extends Span {
  readonly type: "text";
  readonly text: string;
}

export interface CodeSpan extends Span {
  readonly type: "code";
  readonly text: string;
}

export interface StyledSpan extends Span {
  readonly type: "styled";
  readonly styles: readonly Style[];
  readonly children: readonly Inline[];
}

export interface LinkSpan extends Span {
  readonly type: "link";
  readonly href: string;
  readonly children: readonly Inline[];
}

export type Style = "bold" | "italic" | "strike";

/** Longest first: `***` must not be read as `**` and a stray `*`. */
const MARKS: readonly (readonly [string, readonly Style[]])[] = [
  ["***", ["bold", "italic"]],
  ["**", ["bold"]],
  ["__", ["bold"]],
  ["~~", ["strike"]],
  ["*", ["italic"]],
  ["_", ["italic"]],
];

/** Styles within styles; deeper marks stay text, which also bounds the recursion. */
const MAX_DEPTH = 4;
/** A link's text, and its address: longer than any that people click on. */
const MAX_LINK_UNITS = 2_048;
/** Backticks around code. More in a row are decoration. */
const MAX_TICKS = 8;

const ESCAPABLE = "\\`*_~[]()#>!|";
/** Also `[`, rare in addresses: a second link's beginning ends the search for the first one's end. */
const NEVER_IN_LINKS = /[\s<>"[]/;
/** What Telegram makes a link of. Anything else would be dropped or, worse, be a script. */
const LINKABLE = /^(?:https?:\/\/|tg:\/\/|mailto:)[^\s<>"]+$/i;

/** Reads one line. */
export function parseInline(line: string): Inline[] {
  return new InlineParser(line).parse(0, line.length, 0);
}

class InlineParser {
  readonly #line: string;
  /** Per mark: between `from` and `at` no place was good, `at` is. Keeps hostile lines linear. */
  readonly #found = new Map<string, { readonly from: number; readonly at: number }>();

  constructor(line: string) {
    this.#line = line;
  }

  parse(from: number, to: number, depth: number): Inline[] {
    const spans: Inline[] = [];
    let at = from;
    let textFrom = from;
    while (at < to) {
      const span = this.#spanAt(at, to, depth);
      if (span === undefined) {
        at += 1;
        continue;
      }
      if (at > textFrom) spans.push(this.#text(textFrom, at));
      spans.push(span);
      at = span.end;
      textFrom = at;
    }
    if (to > textFrom) spans.push(this.#text(textFrom, to));
    return spans;
  }

  #text(start: number, end: number): TextSpan {
    return { type: "text", start, end, text: this.#line.slice(start, end) };
  }

  #spanAt(at: number, to: number, depth: number): Inline | undefined {
    switch (this.#line[at]) {
      case "\\":
        return this.#escape(at, to);
      case "`":
        return this.#code(at, to);
      case "[":
        return depth < MAX_DEPTH ? this.#link(at, to) : undefined;
      case "*":
      case "_":
      case "~":
        return depth < MAX_DEPTH ? this.#styled(at, to, depth) : undefined;
      default:
        return undefined;
    }
  }

  #escape(at: number, to: number): TextSpan | undefined {
    const escaped = this.#line[at + 1];
    if (at + 1 >= to || escaped === undefined || !ESCAPABLE.includes(escaped)) return undefined;
    return { type: "text", start: at, end: at + 2, text: escaped };
  }

  #code(at: number, to: number): CodeSpan | undefined {
    if (this.#line[at - 1] === "`") return undefined; // the rest of a run that found no end
    let from = at;
    while (from < to && this.#line[from] === "`") from += 1;
    if (from - at > MAX_TICKS) return undefined;
    const fence = this.#line.slice(at, from);
    const close = this.#first(fence, from, to, (place) => this.#isRun(fence, place));
    if (close === undefined) return undefined;
    const inner = this.#line.slice(from, close);
    const text = fence.length > 1 && inner.trim() !== "" ? inner.trim() : inner;
    return { type: "code", start: at, end: close + fence.length, text };
  }

  #isRun(fence: string, at: number): boolean {
    return this.#line[at - 1] !== "`" && this.#line[at + fence.length] !== "`";
  }

  #styled(at: number, to: number, depth: number): StyledSpan | undefined {
    for (const [mark, styles] of MARKS) {
      if (!this.#line.startsWith(mark, at) || !this.#mayOpen(mark, at)) continue;
      const from = at + mark.length;
      const close = this.#first(mark, from + 1, to, (place) => this.#mayClose(mark, place));
      if (close === undefined) continue;
      const children = this.parse(from, close, depth + 1);
      return { type: "styled", start: at, end: close + mark.length, styles, children };
    }
    return undefined;
  }

  /** `2*3` and `snake_case` are not markup: a mark opens before a word and after none. */
  #mayOpen(mark: string, at: number): boolean {
    const after = this.#line[at + mark.length];
    if (after === undefined || /\s/.test(after) || after === mark[0]) return false;
    return mark === "**" || mark === "~~" || !isWord(this.#line[at - 1]);
  }

  #mayClose(mark: string, at: number): boolean {
    const before = this.#line[at - 1];
    if (before === undefined || /\s/.test(before) || before === "\\") return false;
    const after = this.#line[at + mark.length];
    // Of `***` the last two close a bold that holds an italic; of `**` none closes an italic.
    if (after === mark[0] || (mark.length === 1 && before === mark)) return false;
    return mark === "**" || mark === "~~" || !isWord(after);
  }

  #link(at: number, to: number): LinkSpan | undefined {
    const limit = Math.min(to, at + MAX_LINK_UNITS);
    const middle = this.#first("](", at + 2, limit, () => true);
    if (middle === undefined) return undefined;
    const end = this.#closingParenthesis(middle + 2, Math.min(to, middle + MAX_LINK_UNITS));
    if (end === undefined) return undefined;
    const href = this.#line.slice(middle + 2, end);
    if (!LINKABLE.test(href) || this.#line.slice(at + 1, middle).includes("[")) return undefined;
    const children = this.parse(at + 1, middle, MAX_DEPTH - 1);
    return { type: "link", start: at, end: end + 1, href, children };
  }

  /** Addresses may hold parentheses in pairs, as Wikipedia's do. */
  #closingParenthesis(from: number, to: number): number | undefined {
    let open = 0;
    for (let at = from; at < to; at += 1) {
      const char = this.#line[at];
      if (char === undefined || NEVER_IN_LINKS.test(char)) return undefined;
      if (char === "(") open += 1;
      if (char === ")" && open === 0) return at;
      if (char === ")") open -= 1;
    }
    return undefined;
  }

  /** The first good place for `mark` at or after `from` that is whole before `to`. */
  #first(
    mark: string,
    from: number,
    to: number,
    isGood: (at: number) => boolean,
  ): number | undefined {
    const known = this.#found.get(mark);
    let at = known !== undefined && from >= known.from && from <= known.at ? known.at : undefined;
    if (at === undefined) {
      at = this.#line.indexOf(mark, from);
      while (at >= 0 && !isGood(at)) at = this.#line.indexOf(mark, at + 1);
      if (at < 0) at = Number.POSITIVE_INFINITY;
      this.#found.set(mark, { from, at });
    }
    return at + mark.length > to ? undefined : at;
  }
}

function isWord(char: string | undefined): boolean {
  return char !== undefined && /[\p{L}\p{N}]/u.test(char);
}
