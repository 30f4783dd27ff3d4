/** Longest path of a line: those that are served are far shorter. */
const MAX_LENGTH = 256;
/** Where a query begins, a fragment or parameters, also as they look written with `%`. */
const AFTER_PATH = /[?#;&=]|%(?:3f|23|3b|26|3d)/i;
/** Of this length nobody names a route, a model or an agent, and every credential has it. */
const SECRET_LENGTH = 20;
const WORD = /[A-Za-z0-9_~+.:-]+/g;

/**
 * A path as it may stand in a log. People put credentials into URLs, also where none belongs: what
 * comes after the path is left out, and what might be one in it is only measured. Pure.
 */
export function loggedPath(path: string): string {
  const [bare = ""] = path.split(AFTER_PATH, 1);
  const shown = bare.replace(WORD, (word) => (mayBeSecret(word) ? `[${word.length}]` : word));
  const isCut = bare.length < path.length;
  return `${shown.slice(0, MAX_LENGTH)}${isCut ? "…" : ""}`;
}

/** Words have no digits, or hyphens between; keys have digits among their letters. */
function mayBeSecret(word: string): boolean {
  if (word.length < SECRET_LENGTH) return false;
  return /\d/.test(word) || !/[-_.:]/.test(word);
}
