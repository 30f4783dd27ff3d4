/**
 * How much a JSON text would be once it is parsed. Parsing costs up to forty bytes of memory, and a
 * hundred nanoseconds in which nothing else happens, for each byte of a text that is all brackets:
 * so that is looked at before. Pure.
 */

export const JSON_LIMITS = {
  /** What people and programs nest is tens; what walks over it later does so by recursion. */
  maxDepth: 512,
  /** Arrays, objects and what is in them: as empty objects some 60 MB. A long text is one of them. */
  maxValues: 1_000_000,
} as const;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSE: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** Whether a text that may be JSON is nested too deeply or holds too many values to be parsed. */
export function isTooHeavy(text: string): boolean {
  let depth = 0;
  let values = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
    } else if (OPEN.has(code)) {
      depth += 1;
      values += 1;
    } else if (CLOSE.has(code)) {
      depth -= 1;
    } else if (code === COMMA) {
      values += 1;
    }
    if (depth > JSON_LIMITS.maxDepth || values > JSON_LIMITS.maxValues) return true;
  }
  return false;
}

/** Where the string that begins at `start` ends; the end of the text when it does not. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}
