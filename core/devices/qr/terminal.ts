import type { QrMatrix } from "./matrix.ts";
import { QUIET } from "./png.ts";

/** Two modules a character, one above the other; light ones are drawn, for terminals are dark. Pure. */
export function qrText(modules: QrMatrix): string {
  const at = (row: number, column: number): boolean => modules[row]?.[column] === true;
  const end = modules.length + QUIET;
  const lines: string[] = [];
  for (let row = -QUIET; row < end; row += 2) {
    let line = "";
    for (let column = -QUIET; column < end; column += 1) {
      const upper = at(row, column);
      // What is below the last row is no module.
      const lower = row + 1 >= end || at(row + 1, column);
      if (upper) line += lower ? " " : "▄";
      else line += lower ? "▀" : "█";
    }
    lines.push(line);
  }
  return lines.join("\n");
}
