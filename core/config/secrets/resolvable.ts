import { substitute } from "../environment/substitute.ts";
import { readSmallFile } from "../file/files.ts";
import { fillFrom, readSources } from "../file/load.ts";
import type { Surroundings } from "../paths.ts";
import { Secrets } from "../sections/secrets.ts";
import { valueAt } from "../tree.ts";
import { findReferences, type SecretReference } from "./reference.ts";
import { resolveSecrets, SecretMemory } from "./resolve.ts";

export interface Resolvability {
  readonly refsChecked: number;
  readonly skippedExecRefs: number;
  readonly faults: readonly {
    /** `source:provider:id` */
    readonly ref: string;
    readonly message: string;
    readonly reference: SecretReference;
  }[];
}

export interface ResolvabilityRequest extends Surroundings {
  /** Of this process; undefined where there are no user ids. */
  readonly uid: number | undefined;
  /** Whether programs that have secrets may be asked. */
  readonly allowExec: boolean;
  /** A config as it is to be written; it is valid. */
  readonly tree: unknown;
  readonly changed: readonly (readonly string[])[];
}

/** Whether the references that a change makes, or whose provider it changes, lead to a secret. */
export async function resolvabilityOf(request: ResolvabilityRequest): Promise<Resolvability> {
  const { tree, changed, uid, allowExec } = request;
  const sources = await readSources(request, readSmallFile);
  const filled = sources.ok
    ? await fillFrom(sources.value, sources.value.paths.configPath)
    : undefined;
  const environment = filled?.ok === true ? filled.value.environment : request.env;
  const value = substitute(tree, (name) => environment[name]).value;
  const secrets = Secrets.safeParse(valueAt(value, ["secrets"]) ?? {});
  if (!secrets.success || !sources.ok) return { refsChecked: 0, skippedExecRefs: 0, faults: [] };
  const { references } = findReferences(value, secrets.data);
  const meant = references.filter((one) => changed.some((path) => concerns(path, one)));
  const asked = meant.filter(({ source }) => allowExec || source !== "exec");
  const { stateDir, home } = sources.value.paths;
  const memory = new SecretMemory();
  const from = { secrets: secrets.data, environment, stateDir, memory, uid, home };
  const { missing } = await resolveSecrets(asked, from);
  const faults = asked.flatMap((reference) => {
    const { path, source, provider, id } = reference;
    const message = missing.get(path.join("."));
    return message === undefined
      ? []
      : [{ ref: `${source}:${provider}:${id}`, message, reference }];
  });
  return { refsChecked: asked.length, skippedExecRefs: meant.length - asked.length, faults };
}

/** Whether a change at `path` is one of this reference, or of its provider. */
function concerns(path: readonly string[], reference: SecretReference): boolean {
  const provider = ["secrets", "providers", reference.provider];
  return overlaps(path, reference.path) || overlaps(path, provider);
}

function overlaps(a: readonly string[], b: readonly string[]): boolean {
  const length = Math.min(a.length, b.length);
  return a.slice(0, length).every((part, index) => part === b[index]);
}
