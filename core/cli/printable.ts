/**
 * What strangers have chosen, fit for a terminal: nothing in it may move the cursor or hide.
 *
 * @param max - UTF-16 units; the rest is cut.
 */
export function printable(text: string, max = 64): string {
  return text.slice(0, max).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "\uFFFD");
}
