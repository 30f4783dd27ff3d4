/** What Telegram makes of `parse_mode: "HTML"`: the visible text, or the reason of its 400. */
export type ParsedHtml =
  | { readonly ok: true; readonly text: string; readonly tags: readonly string[] }
  | { readonly ok: false; readonly description: string };

/** Source: https://core.telegram.org/bots/api#html-style */
const KNOWN_TAGS = new Set(
  "b strong i em u ins s strike del a code pre blockquote tg-spoiler span".split(" "),
);
const TAG =
  /<(?<close>\/?)(?<name>[a-z][a-z0-9-]*)(?<attributes>(?:\s+[a-z-]+(?:="[^"<>]*")?)*)\s*>/iy;
const ENTITY = /&(?:lt|gt|amp|quot);/y;
const ENTITIES: Readonly<Record<string, string>> = {
  "&lt;": "<",
  "&gt;": ">",
  "&amp;": "&",
  "&quot;": '"',
};

/** Parses like the real server: strict about tags, forgiving about a lone `&` or `>`. */
export function parseTelegramHtml(html: string): ParsedHtml {
  const open: string[] = [];
  const tags: string[] = [];
  let text = "";
  for (let at = 0; at < html.length;) {
    const token = tokenAt(html, at);
    const where = `at byte offset ${Buffer.byteLength(html.slice(0, at))}`;
    if (token.kind === "bad") return bad(`Unsupported start tag ${where}`);
    if (token.kind === "close" && open.pop() !== token.name)
      return bad(`Unmatched end tag ${where}`);
    if (token.kind === "open") open.push(token.name);
    if (token.kind === "text") text += token.text;
    else tags.push(token.source);
    at += token.source.length;
  }
  const left = open.at(-1);
  if (left !== undefined) return bad(`Can't find end tag corresponding to start tag "${left}"`);
  return { ok: true, text, tags };
}

type Token =
  | { readonly kind: "text"; readonly source: string; readonly text: string }
  | { readonly kind: "open" | "close"; readonly source: string; readonly name: string }
  | { readonly kind: "bad"; readonly source: string };

function tokenAt(html: string, at: number): Token {
  const char = html.charAt(at);
  if (char === "<") return tagAt(html, at);
  ENTITY.lastIndex = at;
  const entity = char === "&" ? ENTITY.exec(html)?.[0] : undefined;
  return { kind: "text", source: entity ?? char, text: ENTITIES[entity ?? ""] ?? char };
}

function tagAt(html: string, at: number): Token {
  TAG.lastIndex = at;
  const tag = TAG.exec(html);
  const { close, name = "" } = tag?.groups ?? {};
  if (tag === null || !KNOWN_TAGS.has(name.toLowerCase())) return { kind: "bad", source: "<" };
  return { kind: close === "" ? "open" : "close", source: tag[0], name: name.toLowerCase() };
}

function bad(why: string): ParsedHtml {
  return { ok: false, description: `Bad Request: can't parse entities: ${why}` };
}
