/** References that were just written and lead to no secret yet: no fault, for it may come later. */
import { resolvePaths } from "../../config/paths.ts";
import type { WriteOutcome } from "../../config/write/writer.ts";
import type { SecretReference } from "../../config/secrets/reference.ts";
import { resolvabilityOf } from "../../config/secrets/resolvable.ts";
import { pathText } from "../../config/issues/path-text.ts";
import { valueAt } from "../../config/tree.ts";
import type { Io } from "../command.ts";

/**
 * A sentence each: what is missing, as seen from here, and how to add it. Programs are not asked.
 *
 * @param changed - Settings whose references are looked at, and providers whose references are.
 */
export async function danglingIn(
  { tree }: Pick<WriteOutcome, "tree">,
  changed: readonly (readonly string[])[],
  { env, cwd, home, uid }: Io,
): Promise<readonly string[]> {
  const surroundings = { env, cwd, home };
  const { faults } = await resolvabilityOf({
    ...surroundings,
    uid,
    allowExec: false,
    tree,
    changed,
  });
  const { stateDir } = resolvePaths(surroundings);
  return faults.map(({ ref, message, reference }) => {
    const remedy = remedyOf(reference, { tree, stateDir });
    return `${pathText(reference.path)} refers to ${ref}, and ${message}: ${remedy}. Until then it counts as left out`;
  });
}

function remedyOf(
  { source, provider, id }: SecretReference,
  { tree, stateDir }: { readonly tree: unknown; readonly stateDir: string },
): string {
  const section = pathText(["secrets", "providers", provider]);
  switch (source) {
    case "env": {
      const allowed = valueAt(tree, ["secrets", "providers", provider, "allowlist"]);
      const isBarred = Array.isArray(allowed) && !allowed.includes(id);
      if (isBarred) return `add ${id} to ${section}.allowlist`;
      return `set it where the gateway runs, or add the line ${id}=… to ${stateDir}/.env`;
    }
    case "store":
      return `sallyport secrets store set ${id} adds it`;
    case "file":
      return `see to the file that ${section}.path names: it must be yours alone (chmod 600) and have it`;
    case "exec":
      return `see to the program of ${section}`;
  }
}
