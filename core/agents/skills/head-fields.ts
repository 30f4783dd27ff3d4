/**
 * The part of YAML that the heads of skills are written in: mappings and lists by indent, text over
 * several lines, and values in JSON. Anything else is text; nothing makes it fail. Pure.
 */
import JSON5 from "json5";

/** Far deeper than any head; what is below is passed over. */
const MAX_DEPTH = 12;

const KEY = /^(?<key>[A-Za-z_][\w.-]{0,63}|"[^"\\]{1,64}"|'[^'\\]{1,64}'):(?:\s+(?<value>.*))?$/;
const ITEM = /^-(?:\s+(?<value>.*))?$/;
const BLOCK = /^(?<style>[|>])[+-]?\d?$/;

interface Line {
  readonly indent: number;
  readonly text: string;
}

/** The keys of a head; never inherited ones. */
export function headFields(head: string): ReadonlyMap<string, unknown> {
  const lines = head.split(/\r?\n/).flatMap((raw): Line[] => {
    const text = raw.trim();
    return text === "" || text.startsWith("#") ? [] : [{ indent: raw.search(/\S/), text }];
  });
  return new HeadReader(lines).mapping(lines[0]?.indent ?? 0, 0);
}

class HeadReader {
  readonly #lines: readonly Line[];
  #at = 0;

  constructor(lines: readonly Line[]) {
    this.#lines = lines;
  }

  mapping(indent: number, depth: number): ReadonlyMap<string, unknown> {
    const fields = new Map<string, unknown>();
    for (let line = this.#peek(); line !== undefined; line = this.#peek()) {
      if (line.indent < indent) break;
      const { key, value = "" } = KEY.exec(line.text)?.groups ?? {};
      this.#at += 1;
      if (key === undefined || line.indent > indent) continue;
      const name = unquoted(key);
      const read = this.#valueOf(value.trim(), line.indent, depth);
      if (!fields.has(name)) fields.set(name, read);
    }
    return fields;
  }

  #list(indent: number, depth: number): readonly unknown[] {
    const items: unknown[] = [];
    for (let line = this.#peek(); line?.indent === indent; line = this.#peek()) {
      const item = ITEM.exec(line.text)?.groups;
      if (item === undefined) break;
      this.#at += 1;
      items.push(this.#valueOf((item["value"] ?? "").trim(), indent, depth));
    }
    return items;
  }

  /** What stands behind a key, or below it. */
  #valueOf(rest: string, indent: number, depth: number): unknown {
    const style = BLOCK.exec(rest)?.groups?.["style"];
    if (style !== undefined) return this.#deeper(indent).join(style === "|" ? "\n" : " ");
    if (rest !== "") return scalar([rest, ...this.#deeper(indent)].join(" "));
    const next = this.#peek();
    if (next === undefined || depth >= MAX_DEPTH) return this.#deeper(indent).join(" ");
    if (ITEM.test(next.text) && next.indent >= indent) return this.#list(next.indent, depth + 1);
    if (next.indent <= indent) return "";
    if (KEY.test(next.text)) return Object.fromEntries(this.mapping(next.indent, depth + 1));
    return scalar(this.#deeper(indent).join(" "));
  }

  /** Takes all lines that stand deeper than `indent`. */
  #deeper(indent: number): string[] {
    const texts: string[] = [];
    for (let line = this.#peek(); line !== undefined && line.indent > indent; line = this.#peek()) {
      texts.push(line.text);
      this.#at += 1;
    }
    return texts;
  }

  #peek(): Line | undefined {
    return this.#lines[this.#at];
  }
}

function scalar(text: string): unknown {
  if (/^[{[]/.test(text)) return jsonOf(text);
  if (text === "true" || text === "false") return text === "true";
  return /^["']/.test(text) ? unquoted(text) : text.replace(/\s+#.*$/, "");
}

/** A list of bare words is one, `[gh, uv]`; other text that only looks like JSON stays text. */
function jsonOf(text: string): unknown {
  try {
    return JSON5.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const words = /^\[(?<words>[^[\]{}]*)\]$/.exec(text)?.groups?.["words"];
    return words === undefined ? text : words.split(",").map((word) => unquoted(word.trim()));
  }
}

function unquoted(value: string): string {
  return /^(?<quote>["']).*\k<quote>$/s.test(value) ? value.slice(1, -1) : value;
}
