import { parseInline } from "./inline.ts";
import type { Inline, Style } from "./inline.ts";

/** One piece of a reply as Telegram gets it. */
export interface Rendered {
  /** For `parse_mode: "HTML"`. Every `<`, `>` and `&` that is not ours is escaped. */
  readonly html: string;
  /** What people see: what Telegram counts, and what is sent should it refuse the HTML. */
  readonly text: string;
}

const TAG_OF: Readonly<Record<Style, string>> = { bold: "b", italic: "i", strike: "s" };
const FENCE = /^\s{0,3}(?<mark>`{3,16}|~{3,16})\s*(?<language>[^`]*)$/;
/** What may follow `language-` inside an attribute without being escaped. */
const LANGUAGE = /^[A-Za-z0-9+#._-]{1,32}/;
const HEADING = /^\s{0,3}#{1,6}\s+(?<text>\S.*?)\s*#*$/;
const BULLET = /^(?<indent>\s*)[-*+]\s+(?<text>.*)$/;
const QUOTE = /^\s{0,3}>\s?(?<text>.*)$/;
const TABLE_ROW = /^\s*\|.*\|\s*$/;

/** What a line is, once it is known where code begins and ends. */
export type Line = TextLine | FenceLine;

export interface TextLine {
  readonly type: "text" | "heading" | "bullet" | "quote" | "table" | "code";
  /** Stands before the text as it is: of a bullet, its indent and its dot. */
  readonly prefix: string;
  readonly text: string;
}

export type FenceLine =
  | { readonly type: "fence_open"; readonly mark: string; readonly language: string }
  | { readonly type: "fence_close" };

/** Reads `line`; `mark` is what opened the code block it stands in, undefined outside of one. */
export function readLine(line: string, mark: string | undefined): Line {
  const { mark: found, language = "" } = FENCE.exec(line)?.groups ?? {};
  if (mark !== undefined) {
    const closes = found !== undefined && found.startsWith(mark) && language === "";
    return closes ? { type: "fence_close" } : { type: "code", prefix: "", text: line };
  }
  if (found === undefined) return readTextLine(line);
  return { type: "fence_open", mark: found, language: LANGUAGE.exec(language)?.[0] ?? "" };
}

function readTextLine(line: string): TextLine {
  if (TABLE_ROW.test(line)) return { type: "table", prefix: "", text: line.trim() };
  const { indent, text: item = "" } = BULLET.exec(line)?.groups ?? {};
  if (indent !== undefined) return { type: "bullet", prefix: `${indent}• `, text: item };
  const { text: heading } = HEADING.exec(line)?.groups ?? {};
  if (heading !== undefined) return { type: "heading", prefix: "", text: heading };
  const { text: quote } = QUOTE.exec(line)?.groups ?? {};
  if (quote !== undefined) return { type: "quote", prefix: "", text: quote };
  return { type: "text", prefix: "", text: line };
}

/** A line by itself: the tags of the block it stands in are not in it. */
export function renderLine({ type, prefix, text: source }: TextLine): Rendered {
  if (type === "code" || type === "table") return { html: escapeHtml(source), text: source };
  const { html, text } = renderInline(parseInline(source));
  const line = type === "heading" ? `<b>${html}</b>` : html;
  return { html: `${prefix}${line}`, text: `${prefix}${text}` };
}

/** Renders Markdown as models write it. Total: every input has a rendering that Telegram takes. */
export function render(markdown: string): Rendered {
  const blocks = new Blocks();
  let mark: string | undefined;
  for (const source of markdown.replaceAll("\r\n", "\n").split("\n")) {
    const line = readLine(source, mark);
    if (line.type === "fence_open") {
      mark = line.mark;
      const open = line.language === "" ? "<code>" : `<code class="language-${line.language}">`;
      blocks.begin(`<pre>${open}`, "</code></pre>");
    } else if (line.type === "fence_close") {
      mark = undefined;
      blocks.end();
    } else {
      if (line.type === "quote") blocks.enter("<blockquote>", "</blockquote>");
      else if (line.type === "table") blocks.enter("<pre>", "</pre>");
      else if (line.type !== "code") blocks.end();
      blocks.add(renderLine(line));
    }
  }
  return blocks.rendered();
}

/** Lines gathered in blocks: a block without a line leaves no tag behind. */
class Blocks {
  readonly #html: string[] = [];
  readonly #text: string[] = [];
  #open: { readonly before: string; readonly after: string; readonly html: string[] } | undefined;

  /** Opens a block, even next to one of its kind. */
  begin(before: string, after: string): void {
    this.end();
    this.#open = { before, after, html: [] };
  }

  /** Opens a block unless the last line stands in one of its kind. */
  enter(before: string, after: string): void {
    if (this.#open?.before !== before) this.begin(before, after);
  }

  add({ html, text }: Rendered): void {
    this.#text.push(text);
    (this.#open?.html ?? this.#html).push(html);
  }

  end(): void {
    const block = this.#open;
    this.#open = undefined;
    if (block === undefined || block.html.length === 0) return;
    this.#html.push(`${block.before}${block.html.join("\n")}${block.after}`);
  }

  rendered(): Rendered {
    this.end();
    return { html: this.#html.join("\n"), text: this.#text.join("\n") };
  }
}

function renderInline(spans: readonly Inline[]): Rendered {
  const parts = spans.map(renderSpan);
  return {
    html: parts.map(({ html }) => html).join(""),
    text: parts.map(({ text }) => text).join(""),
  };
}

function renderSpan(span: Inline): Rendered {
  if (span.type === "text") return { html: escapeHtml(span.text), text: span.text };
  if (span.type === "code") {
    return { html: `<code>${escapeHtml(span.text)}</code>`, text: span.text };
  }
  const { html, text } = renderInline(span.children);
  if (span.type === "link") return { html: `<a href="${escapeHtml(span.href)}">${html}</a>`, text };
  const tags = span.styles.map((style) => TAG_OF[style]);
  const open = tags.map((tag) => `<${tag}>`).join("");
  const close = tags
    .toReversed()
    .map((tag) => `</${tag}>`)
    .join("");
  return { html: `${open}${html}${close}`, text };
}

/** Source: https://core.telegram.org/bots/api#html-style */
function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
