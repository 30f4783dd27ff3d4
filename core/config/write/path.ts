/** Paths of settings as people write them: `a.b`, `a.list[0]`, `a["x.y"].c`. Pure. */
import { err, ok, type Result } from "../../../shared/result.ts";

/** Names with a meaning of their own in JavaScript: no setting is called like that. */
const NOT_A_KEY: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);
const MAX_PARTS = 32;
const MAX_UNITS = 1_024;

/** One step: a word and its dot, or something in brackets. */
const STEP =
  /(?:(?:^|(?<=[^])\.)(?<word>[^.[\]"'\s]+)|\[(?:(?<index>\d{1,9})|(?<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<bare>[^\]"'\s]+))\])/y;

/** An error says what is wrong with it. */
export function parsePath(text: string): Result<readonly string[], string> {
  const path: string[] = [];
  if (text.length > MAX_UNITS) return err("the path is too long");
  STEP.lastIndex = 0;
  while (STEP.lastIndex < text.length) {
    const step = STEP.exec(text)?.groups;
    if (step === undefined) return err("the path must be written like a.b, a.list[0] or a['x.y']");
    const key = step["word"] ?? step["index"] ?? step["bare"] ?? unquoted(step["quoted"]);
    if (key === undefined) return err("the path has a quoted part that is not understood");
    if (NOT_A_KEY.has(key)) return err(`no setting is called ${key}`);
    path.push(key);
    if (path.length > MAX_PARTS) return err("the path is too deep");
  }
  return path.length === 0 ? err("the path is empty") : ok(path);
}

function unquoted(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  return text.slice(1, -1).replaceAll(/\\(.)/g, "$1");
}
