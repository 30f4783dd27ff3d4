/** Secrets belong elsewhere, and into the config a word on where they are. Pure. */
import { Secret } from "../../../shared/secret.ts";
import { isCredential, isReference } from "../credentials.ts";
import { isTree, mapTexts, type Tree } from "../tree.ts";
import { freeName, secretNameFor } from "./names.ts";

export interface Separated {
  /** With references in the place of secrets. */
  readonly config: Tree;
  readonly variables: ReadonlyMap<string, Secret>;
}

/**
 * Takes the secrets out of a change of the config, to be kept in variables.
 *
 * @param isFree - Whether a variable may be given this value. Default: each may.
 */
export function separated(
  change: Tree,
  isFree: (name: string, value: string) => boolean = () => true,
): Separated {
  const variables = new Map<string, Secret>();
  const config = mapTexts(change, (text, path) => {
    if (!isPlainCredential(text, path)) return text;
    const name = freeName(secretNameFor(path), (tried) => {
      const known = variables.get(tried)?.reveal();
      return (known === undefined || known === text) && isFree(tried, text);
    });
    variables.set(name, new Secret(text));
    return `\${${name}}`;
  });
  return { config: isTree(config) ? config : {}, variables };
}

/** True for text that is a credential itself, and does not say where one is. */
export function isPlainCredential(text: string, path: readonly string[]): boolean {
  if (text === "" || isReference(text) || text.includes("${")) return false;
  return isCredential(path.join("."));
}
