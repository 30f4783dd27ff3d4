/**
 * Where a text stops being JSON. Pure.
 *
 * The engine's own message quotes the text, which may hold anything, and often leaves the position
 * out; so the position is found again, in one pass, once parsing has failed.
 * Source: RFC 8259.
 */

export interface JsonFault {
  /** Both count from 1; a column is one UTF-16 code unit. */
  readonly line: number;
  readonly column: number;
}

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
/** All that may stand unescaped; cut short so that no text is too long for the regex engine. */
const PLAIN = /[^"\\\p{Cc}]{1,4096}|[\u007F-\u009F]/uy;

/** What may come next. `first…` also allows the end of the list or object just begun. */
type Expected = "value" | "firstValue" | "key" | "firstKey" | "colon" | "separator" | "end";

/** The place of the first fault; the end of the text when it is merely cut short. */
export function findJsonFault(text: string): JsonFault {
  const before = text.slice(0, faultOffset(text));
  return {
    line: before.split("\n").length,
    column: before.length - before.lastIndexOf("\n"),
  };
}

function faultOffset(text: string): number {
  const open: ("{" | "[")[] = [];
  let expected: Expected = "value";
  let at = skip(SPACE, text, 0);
  while (at < text.length) {
    const char = text[at] ?? "";
    const step = nextStep(expected, char, open);
    if (step === undefined) return at;
    const end = step.token === "char" ? at + 1 : scalarEnd(text, at);
    if (end < 0) return ~end;
    expected = step.expected;
    at = skip(SPACE, text, end);
  }
  return at;
}

interface Step {
  readonly token: "char" | "scalar";
  readonly expected: Expected;
}

/** One move of the grammar; `open` is the stack of containers and is kept up to date. */
function nextStep(expected: Expected, char: string, open: ("{" | "[")[]): Step | undefined {
  if (expected === "end") return undefined;
  if (expected === "colon") return char === ":" ? charStep("value") : undefined;
  if (expected === "separator") return separatorStep(char, open);
  if (closes(expected, char)) return closeStep(open);
  const isKey = expected === "key" || expected === "firstKey";
  return isKey ? keyStep(char) : valueStep(char, open);
}

function keyStep(char: string): Step | undefined {
  return char === '"' ? { token: "scalar", expected: "colon" } : undefined;
}

function valueStep(char: string, open: ("{" | "[")[]): Step {
  if (char !== "{" && char !== "[") return { token: "scalar", expected: afterValue(open) };
  open.push(char);
  return charStep(char === "{" ? "firstKey" : "firstValue");
}

function separatorStep(char: string, open: ("{" | "[")[]): Step | undefined {
  const inside = open.at(-1);
  if (char === ",") return charStep(inside === "{" ? "key" : "value");
  return char === (inside === "{" ? "}" : "]") ? closeStep(open) : undefined;
}

function closes(expected: Expected, char: string): boolean {
  return (expected === "firstKey" && char === "}") || (expected === "firstValue" && char === "]");
}

function closeStep(open: ("{" | "[")[]): Step {
  open.pop();
  return charStep(afterValue(open));
}

function charStep(expected: Expected): Step {
  return { token: "char", expected };
}

function afterValue(open: readonly string[]): Expected {
  return open.length === 0 ? "end" : "separator";
}

/** Where the scalar at `at` ends, or the one's complement of where it is broken. */
function scalarEnd(text: string, at: number): number {
  if (text[at] === '"') return stringEnd(text, at + 1);
  const end = skip(SCALAR, text, at);
  return end > at ? end : ~at;
}

function stringEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== '"') {
    const end = skip(text[at] === "\\" ? ESCAPE : PLAIN, text, at);
    if (end === at) return ~at;
    at = end;
  }
  return at < text.length ? at + 1 : ~at;
}

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}
