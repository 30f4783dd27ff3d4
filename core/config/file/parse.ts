import JSON5 from "json5";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { ConfigError } from "../issues/error.ts";

/** JSON5 text to a value, or the place of its first mistake. Pure. */
export function parseText(text: string, file: string): Result<unknown, ConfigError> {
  try {
    // Editors of other systems write a byte order mark.
    const value: unknown = JSON5.parse(text.replace(/^\uFEFF/, ""));
    return ok(value);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return err({
      reason: "syntax",
      file,
      line: numberOf(error, "lineNumber"),
      column: numberOf(error, "columnNumber"),
      detail: error.message.replace(/^JSON5: | at \d+:\d+$/g, ""),
    });
  }
}

/** JSON5 tells the place in fields that its types do not have. */
function numberOf(error: SyntaxError, field: "lineNumber" | "columnNumber"): number {
  const value: unknown = Reflect.get(error, field);
  return typeof value === "number" ? value : 1;
}
