/**
 * `text` as one word for any shell a person may paste into: inside single quotes nothing is
 * special but the quote itself. Safe in sh, bash, zsh and fish.
 */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
