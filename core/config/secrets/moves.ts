import { err, ok, type Result } from "../../../shared/result.ts";
import { Secret } from "../../../shared/secret.ts";
import { substitute } from "../environment/substitute.ts";
import { REDACTED } from "../file/redact.ts";
import type { Filled } from "../file/interpret.ts";
import type { Sources } from "../file/load.ts";
import { pathText } from "../issues/path-text.ts";
import { Secrets } from "../sections/secrets.ts";
import { valueAt } from "../tree.ts";
import type { SecretFault } from "./file.ts";
import { plainAt, type PlannedTarget } from "./plan.ts";
import { DEFAULT_PROVIDER, type SecretReference } from "./reference.ts";
import { resolveSecrets, SecretMemory } from "./resolve.ts";

/** Which secrets have to be put somewhere before a config can refer to them. */
export interface Moves {
  /** By name. */
  readonly store: ReadonlyMap<string, Secret>;
  readonly env: ReadonlyMap<string, Secret>;
  /** All that stood in clear. */
  readonly plain: readonly string[];
  readonly warnings: readonly string[];
  readonly checked: number;
  /** References to programs that were not asked. */
  readonly skipped: number;
}

interface Facts {
  readonly sources: Sources;
  readonly filled: Filled;
  /** The config as it will be written. */
  readonly tree: unknown;
}

/** An error names a setting whose new place has nothing, and which has nothing to put there. */
export async function movesOf(
  targets: readonly PlannedTarget[],
  { sources, filled, tree }: Facts,
  { uid, allowExec }: { readonly uid: number | undefined; readonly allowExec: boolean },
): Promise<Result<Moves, string>> {
  const { environment } = filled;
  const lookup = (name: string): string | undefined => environment[name];
  const secrets = Secrets.parse(substitute(valueAt(tree, ["secrets"]) ?? {}, lookup).value);
  const references = targets.map(({ path, ref }): SecretReference => {
    const provider = ref.provider ?? secrets.defaults[ref.source] ?? DEFAULT_PROVIDER;
    return { path, source: ref.source, provider, id: ref.id };
  });
  const asked = references.filter(({ source }) => allowExec || source !== "exec");
  const { stateDir, home } = sources.paths;
  const from = { secrets, environment, stateDir, memory: new SecretMemory(), uid, home };
  const { values, missing } = await resolveSecrets(asked, from);
  const collected = new Collection();
  for (const reference of references) {
    const { path } = reference;
    const dotted = path.join(".");
    const now = plainAt(sources.composed.value, filled.value, path);
    collected.look(path, now, values.get(dotted));
    const why = missing.get(dotted);
    const fault = why === undefined ? undefined : collected.take(reference, now, why);
    if (fault !== undefined) return err(fault);
  }
  const { store, env, plain, warnings } = collected;
  const skipped = references.length - asked.length;
  return ok({ store, env, plain, warnings, checked: asked.length, skipped });
}

class Collection {
  readonly store = new Map<string, Secret>();
  readonly env = new Map<string, Secret>();
  readonly plain: string[] = [];
  readonly warnings: string[] = [];

  /** @param there - What its new place has already. */
  look(path: readonly string[], now: string | undefined, there: string | undefined): void {
    if (now === undefined || now === REDACTED) return;
    this.plain.push(now);
    if (there === undefined || there === now) return;
    this.warnings.push(
      `${pathText(path)}: its new place has another secret, which counts from now on`,
    );
  }

  /** The secret goes to the place of the reference; or why it cannot. */
  take(
    { path, source, id }: SecretReference,
    now: string | undefined,
    why: SecretFault,
  ): string | undefined {
    const place = source === "store" ? this.store : this.env;
    const isOurs = source === "store" || source === "env";
    const known = place.get(id)?.reveal();
    if (!isOurs || now === undefined || (known !== undefined && known !== now)) {
      return `${pathText(path)} cannot be resolved: ${why}`;
    }
    place.set(id, new Secret(now));
    return undefined;
  }
}
