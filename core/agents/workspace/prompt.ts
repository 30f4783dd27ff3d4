/** From files to what a model is told before everything else. Pure. */
import { MAX_CHARS_OF } from "./names.ts";

export interface PromptLimits {
  /** Characters of one file. */
  readonly maxChars: number;
  /** Of all of them together. */
  readonly maxTotalChars: number;
}

export interface PromptFile {
  readonly name: string;
  /** Undefined: there is none. */
  readonly text: string | undefined;
}

/** Of what is kept of a file that is too long, from its beginning: what matters most stands first. */
const HEAD_SHARE = 0.75;

const MISSING = "[There is no such file in the workspace.]";

/**
 * Empty when there is nothing to say. Of a workspace with files in it, the ones that it should have
 * and has not are named.
 *
 * @param expected - Names of files that belong to a workspace.
 */
export function systemPromptOf(
  name: string | undefined,
  files: readonly PromptFile[],
  limits: PromptLimits,
  expected: ReadonlySet<string> = new Set(),
): string {
  let left = limits.maxTotalChars;
  const parts: string[] = name === undefined ? [] : [`You are ${name}.`];
  const isEmpty = files.every(({ text }) => text === undefined);
  for (const file of files) {
    if (file.text === undefined) {
      if (!isEmpty && expected.has(file.name)) parts.push(`## ${file.name}\n\n${MISSING}`);
      continue;
    }
    const most = Math.min(limits.maxChars, MAX_CHARS_OF.get(file.name) ?? Infinity, left);
    const text = shortened(file.text.trim(), most);
    if (text === "") continue;
    left -= text.length;
    parts.push(`## ${file.name}\n\n${text}`);
  }
  return parts.join("\n\n");
}

/** Beginning and end of `text`, with a line between them that says what is missing. */
function shortened(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const note = `\n\n[${text.length} characters, shortened: the middle is missing]\n\n`;
  const room = maxChars - note.length;
  if (room <= 0) return "";
  const head = Math.floor(room * HEAD_SHARE);
  return whole(text.slice(0, head)) + note + whole(text.slice(text.length - (room - head)));
}

/** Without halves of a character at its ends. */
function whole(text: string): string {
  return text.replace(/[\ud800-\udbff]$/, "").replace(/^[\udc00-\udfff]/, "");
}
