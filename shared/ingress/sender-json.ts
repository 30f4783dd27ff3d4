import { utf8 } from "../bytes.ts";
import { sha256 } from "./crypto.ts";
import { jsonBody } from "./items.ts";

/** No sender nests as deep; what is deeper could not be written out again without running out of stack. */
const MAX_DEPTH = 256;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Bit that tells `[` from `{` and `]` from `}`. */
const CURLY = 0x20;
const OPENING = 0x7b;
const CLOSING = 0x7d;

/** The body as JSON; undefined for anything else, and for nesting that no sender has. */
export function senderJson(body: Uint8Array): unknown {
  return isTooDeep(body) ? undefined : jsonBody(body);
}

/** A name for a part of such a body: the same part has the same one, whatever stands around it. */
export function hashOf(part: unknown): Promise<string> {
  return sha256(utf8(JSON.stringify(part) ?? ""));
}

function isTooDeep(body: Uint8Array): boolean {
  let depth = 0;
  let inText = false;
  for (let index = 0; index < body.byteLength; index += 1) {
    const byte = body[index] ?? 0;
    if (byte === QUOTE) inText = !inText;
    else if (inText) index += byte === BACKSLASH ? 1 : 0;
    else if ((byte | CURLY) === OPENING) depth += 1;
    else if ((byte | CURLY) === CLOSING) depth -= 1;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}
