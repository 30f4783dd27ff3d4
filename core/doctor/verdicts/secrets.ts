/** Whether secrets are where they should be. Pure. */
import { isReference, isSensitive } from "../../config/credentials.ts";
import { pathText } from "../../config/issues/path-text.ts";
import { mapTexts } from "../../config/tree.ts";
import { failed, ok, type Verdict, warning } from "./finding.ts";

/** How many settings one line names. */
const MAX_SHOWN = 5;

/** Settings that hold a secret itself, and not a word on where it is. */
export function plainSecrets(tree: unknown): readonly string[] {
  const found: string[] = [];
  mapTexts(tree, (text, path) => {
    const isSecret = text !== "" && isSensitive(path) && !isReference(text) && !text.includes("${");
    if (isSecret) found.push(pathText(path));
    return text;
  });
  return found;
}

/** @param inGit - Files with secrets in them that git has, and so everybody with the repository. */
export function judgeSecrets(plain: readonly string[], inGit: readonly string[]): Verdict {
  if (inGit.length > 0) {
    return failed(
      `git keeps ${inGit.join(" and ")}`,
      "git rm --cached it, add it to .gitignore, and replace every secret that was in it",
    );
  }
  if (plain.length === 0) return ok("no secret stands in the config itself");
  const more = plain.length - MAX_SHOWN;
  const shown = plain.slice(0, MAX_SHOWN).join(", ");
  return warning(
    `in the config itself: ${shown}${more > 0 ? ` and ${more} more` : ""}`,
    "run sallyport secrets configure: it moves them into the store, or with --to env into .env, and leaves references",
  );
}
