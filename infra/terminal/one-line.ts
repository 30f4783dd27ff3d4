/** Longest text of another program in a line of ours. */
const MAX_DETAIL_CHARS = 300;

/** The first line with something in it, cut to what a person reads. */
export function oneLine(text: string): string {
  const line = text.split("\n").find((part) => part.trim() !== "") ?? "";
  return line.trim().slice(0, MAX_DETAIL_CHARS);
}
