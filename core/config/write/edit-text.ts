/**
 * Changes settings within the text they stand in, so that comments, order and quotes of everything
 * else stay as somebody wrote them. Pure.
 */
import {
  type ArrayNode,
  type DocumentNode,
  type MemberNode,
  type ObjectNode,
  parse,
  type Token,
  type ValueNode,
} from "@humanwhocodes/momoa";
import { isDeepStrictEqual } from "node:util";
import { parseText } from "../file/parse.ts";
import type { Edit } from "./change.ts";

/** Beyond that it is another file; each of them reads the whole text. */
const MAX_EDITS = 200;

/**
 * The text with all the edits; undefined when it cannot be had without writing the file anew.
 *
 * @param wanted - What the new text must mean: whatever does not is not given out.
 */
export function editText(
  text: string,
  edits: readonly Edit[],
  wanted: unknown,
): string | undefined {
  if (edits.length > MAX_EDITS) return undefined;
  const mark = text.startsWith("\uFEFF") ? "\uFEFF" : "";
  const edited = edits.reduce<string | undefined>(
    (now, edit) => (now === undefined ? undefined : applyEdit(now, edit)),
    text.slice(mark.length),
  );
  if (edited === undefined) return undefined;
  const read = parseText(edited, "");
  return read.ok && isDeepStrictEqual(read.value, wanted) ? mark + edited : undefined;
}

/** A part of the text, and what comes in its place. */
interface Splice {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

function applyEdit(text: string, { path, value }: Edit): string | undefined {
  const document = documentOf(text);
  if (document === undefined) return undefined;
  const splices = new Editor(text, document).splices(path, value);
  return splices
    ?.toSorted((a, b) => b.from - a.from)
    .reduce((now, { from, to, text: put }) => now.slice(0, from) + put + now.slice(to), text);
}

function documentOf(text: string): DocumentNode | undefined {
  try {
    return parse(text, { mode: "json5", tokens: true });
  } catch {
    return undefined; // not everything that one parser takes the other does
  }
}

class Editor {
  readonly #text: string;
  readonly #document: DocumentNode;
  readonly #tokens: readonly Token[];

  constructor(text: string, document: DocumentNode) {
    this.#text = text;
    this.#document = document;
    this.#tokens = document.tokens ?? [];
  }

  splices(path: readonly string[], value: unknown): Splice[] | undefined {
    let node: ValueNode = this.#document.body;
    for (const [depth, key] of path.entries()) {
      const isLast = depth === path.length - 1;
      if (value === undefined && isLast) return this.#remove(node, key);
      const child = childOf(node, key);
      if (child === undefined) return this.#insert(node, key, nested(path.slice(depth + 1), value));
      node = child;
    }
    const [from, to] = extent(node);
    return [{ from, to, text: rendered(value, this.#indentAt(from)) }];
  }

  #insert(node: ValueNode, key: string, value: unknown): Splice[] | undefined {
    if (node.type === "Object") {
      return this.#append(node, node.members.at(-1), (indent) => {
        return `${this.#keyText(node, key)}: ${rendered(value, indent)}`;
      });
    }
    const isNext = node.type === "Array" && key === String(node.elements.length);
    if (!isNext) return undefined;
    return this.#append(node, node.elements.at(-1), (indent) => rendered(value, indent));
  }

  /** Behind the last of the object or list, and behind the comment on its line. */
  #append(
    node: ObjectNode | ArrayNode,
    last: Placed | undefined,
    put: (indent: string) => string,
  ): Splice[] {
    const [from, to] = extent(node);
    const inner = this.#text.slice(from + 1, to - 1);
    if (last === undefined) {
      const outer = this.#indentAt(from);
      const indent = `${outer}  `;
      const kept = inner.trim() === "" ? "" : `\n${indent}${inner.trim()}`;
      const text = `${kept}\n${indent}${put(indent)}\n${outer}`;
      return [{ from: from + 1, to: to - 1, text }];
    }
    const [start, end] = extent(last);
    const comma = this.#commaAfter(end);
    if (!this.#text.slice(from, start).includes("\n")) {
      const indent = this.#indentAt(from);
      if (comma === undefined) return [splice(end, `, ${put(indent)}`)];
      return [splice(comma, ` ${put(indent)}`)];
    }
    const indent = this.#indentAt(start);
    const at = this.#lineEnd(comma ?? end);
    const text = `\n${indent}${put(indent)}${comma === undefined ? "" : ","}`;
    if (comma !== undefined) return [splice(at, text)];
    return at === end ? [splice(end, `,${text}`)] : [splice(end, ","), splice(at, text)];
  }

  #remove(node: ValueNode, key: string): Splice[] | undefined {
    const { list, index } = placeOf(node, key);
    const found = list[index];
    if (found === undefined) return undefined;
    const [start, end] = extent(found);
    const comma = this.#commaAfter(end);
    const removal = this.#removal(start, comma ?? end);
    const before = list[index - 1];
    if (comma !== undefined || before === undefined) return [removal];
    // The last one goes, and with it the comma that led to it.
    const [, beforeEnd] = extent(before);
    const leading = this.#commaAfter(beforeEnd) ?? beforeEnd;
    return [{ from: leading - 1, to: leading, text: "" }, removal];
  }

  /** With its line and the comment on it, where it has one of its own. */
  #removal(start: number, end: number): Splice {
    const from = this.#lineStart(start);
    const hasOwnLine = from !== start || start === 0;
    const until = this.#lineEnd(end);
    if (hasOwnLine && this.#text[until] === "\n") return { from, to: until + 1, text: "" };
    return { from: start, to: hasOwnLine ? until : this.#blanksAfter(end), text: "" };
  }

  /** Where the comma ends that follows `at`, comments aside; undefined: there is none. */
  #commaAfter(at: number): number | undefined {
    const next = this.#tokens.find(
      ({ type, loc }) => loc.start.offset >= at && !type.endsWith("Comment"),
    );
    return next?.type === "Comma" ? next.loc.end.offset : undefined;
  }

  /** The end of the line, when nothing but a comment is left on it; or else `at` itself. */
  #lineEnd(at: number): number {
    const rest = /^[ \t]*(?:\/\*[^\n]*?\*\/[ \t]*)*(?:\/\/[^\n]*)?(?=\r?\n|$)/.exec(
      this.#text.slice(at),
    );
    return at + (rest?.[0].trimEnd().length ?? 0);
  }

  /** The start of the line, when only blanks stand before `at`; or else `at` itself. */
  #lineStart(at: number): number {
    const start = this.#text.lastIndexOf("\n", at - 1) + 1;
    return this.#text.slice(start, at).trim() === "" ? start : at;
  }

  #blanksAfter(at: number): number {
    return at + (/^[ \t]*/.exec(this.#text.slice(at))?.[0].length ?? 0);
  }

  #indentAt(at: number): string {
    const start = this.#text.lastIndexOf("\n", at - 1) + 1;
    return /^[ \t]*/.exec(this.#text.slice(start, at))?.[0] ?? "";
  }

  /** As the other keys are written: in a file of plain JSON all have quotes. */
  #keyText({ members }: ObjectNode, key: string): string {
    const root = this.#document.body;
    const model = members[0] ?? (root.type === "Object" ? root.members[0] : undefined);
    const isBare = model?.name.type === "Identifier" && /^[A-Za-z_$][\w$]*$/.test(key);
    return isBare ? key : JSON.stringify(key);
  }
}

interface Placed {
  readonly loc: {
    readonly start: { readonly offset: number };
    readonly end: { readonly offset: number };
  };
}

function extent({ loc }: Placed): [number, number] {
  return [loc.start.offset, loc.end.offset];
}

function splice(at: number, text: string): Splice {
  return { from: at, to: at, text };
}

function nameOf({ name }: MemberNode): string {
  return name.type === "Identifier" ? name.name : name.value;
}

/** Of two with one name the later one counts. */
function placeOf(
  node: ValueNode,
  key: string,
): { readonly list: readonly Placed[]; readonly index: number } {
  if (node.type === "Object") {
    const index = node.members.findLastIndex((member) => nameOf(member) === key);
    return { list: node.members, index };
  }
  if (node.type !== "Array") return { list: [], index: -1 };
  return { list: node.elements, index: node.elements.findIndex((_one, at) => String(at) === key) };
}
function childOf(node: ValueNode, key: string): ValueNode | undefined {
  if (node.type === "Object") return node.members.findLast((one) => nameOf(one) === key)?.value;
  if (node.type === "Array" && /^\d{1,9}$/.test(key)) return node.elements[Number(key)]?.value;
  return undefined;
}

/** `a.b: 1` for what is not there yet is `{ a: { b: 1 } }`. */
function nested(path: readonly string[], value: unknown): unknown {
  return path.reduceRight<unknown>(
    (inner, key) => Object.fromEntries(new Map([[key, inner]])),
    value,
  );
}

function rendered(value: unknown, indent: string): string {
  return JSON.stringify(value, null, 2).replaceAll("\n", `\n${indent}`);
}

/** The text of a whole config without one. */
export function writtenAnew(tree: unknown): string {
  return `${JSON.stringify(tree, null, 2)}\n`;
}
