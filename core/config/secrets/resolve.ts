import { err, ok, type Result } from "../../../shared/result.ts";
import { Secret } from "../../../shared/secret.ts";
import { pathText } from "../issues/path-text.ts";
import type { Environment } from "../paths.ts";
import type { Secrets } from "../sections/secrets.ts";
import type { Owner, SecretFault } from "./file.ts";
import type { SecretReference } from "./reference.ts";

/** What is known from load to load. */
export class SecretMemory {
  /**
   * By reference. While a place of theirs cannot be reached, what was learned there goes on to count.
   */
  readonly learned = new Map<string, Secret>();
  /** Of the last load: dotted paths of settings whose secret could not be had, with the reason. */
  faults: ReadonlyMap<string, SecretFault> = new Map();
}

export interface ResolvedSecrets {
  /** By dotted path of the setting. */
  readonly values: ReadonlyMap<string, string>;
  /** Dotted paths of settings whose secret is not to be had. */
  readonly missing: ReadonlyMap<string, SecretFault>;
  readonly warnings: readonly string[];
}

export interface SecretSources extends Owner {
  readonly secrets: Secrets;
  readonly environment: Environment;
  readonly stateDir: string;
  readonly memory: SecretMemory;
}

/** By id; one that is left out is not there any more. */
type Answers = ReadonlyMap<string, Result<string, SecretFault>>;

/** Gets all secrets that are referred to, each place asked once. */
export async function resolveSecrets(
  references: readonly SecretReference[],
  sources: SecretSources,
): Promise<ResolvedSecrets> {
  const byProvider = Map.groupBy(references, ({ source, provider }) => `${source}:${provider}`);
  const groups = await Promise.all(
    [...byProvider.values()].map(async (group) => ({ group, found: await ask(group, sources) })),
  );
  const values = new Map<string, string>();
  const missing = new Map<string, SecretFault>();
  const faults = new Map<string, SecretFault>();
  const warnings: string[] = [];
  const { learned } = sources.memory;
  for (const { group, found } of groups) {
    for (const reference of group) {
      const got = found.get(reference.id);
      const key = keyOf(reference);
      const path = reference.path.join(".");
      // Where nobody says anything of it, it was taken out: what was learned is out as well.
      if (got === undefined) learned.delete(key);
      const earlier = learned.get(key);
      const fault = faultOf(got);
      if (got?.ok === true) {
        learned.set(key, new Secret(got.value));
        values.set(path, got.value);
      } else if (earlier === undefined) missing.set(path, fault);
      else values.set(path, earlier.reveal());
      if (got?.ok === true) continue;
      faults.set(path, fault);
      warnings.push(warningOf(reference, fault, earlier !== undefined));
    }
  }
  sources.memory.faults = faults;
  return { values, missing, warnings };
}

function faultOf(got: Result<string, SecretFault> | undefined): SecretFault {
  if (got === undefined) return "it is not there";
  return got.ok ? "" : got.error;
}

async function ask(group: readonly SecretReference[], sources: SecretSources): Promise<Answers> {
  const [first] = group;
  if (first === undefined) return new Map();
  const { secrets, environment, stateDir, uid, home } = sources;
  const { source, provider: name } = first;
  const known = Object.hasOwn(secrets.providers, name) ? secrets.providers[name] : undefined;
  const provider = known?.source === source ? known : undefined;
  const ids = [...new Set(group.map(({ id }) => id))];
  if (provider?.source === "file") {
    const { secretsOfFile } = await import("./file.ts");
    return secretsOfFile(provider, ids, { uid, home });
  }
  if (provider?.source === "exec") {
    const { secretsOfProgram } = await import("./exec.ts");
    return secretsOfProgram({ name, provider, ids, environment, uid, home });
  }
  if (source === "store") {
    const { SecretStore, secretsOfStore } = await import("./store.ts");
    return secretsOfStore(new SecretStore(stateDir, uid), ids);
  }
  return variables(ids, environment, provider?.source === "env" ? provider.allowlist : undefined);
}

function variables(
  ids: readonly string[],
  environment: Environment,
  allowed: readonly string[] | undefined,
): Answers {
  return new Map(ids.map((id) => [id, variable(id, environment, allowed)]));
}

function variable(
  name: string,
  environment: Environment,
  allowed: readonly string[] | undefined,
): Result<string, SecretFault> {
  if (allowed?.includes(name) === false) return err("its variable is not in the allowlist");
  const value = environment[name] ?? "";
  return value === "" ? err(`the variable ${name} is not set`) : ok(value);
}

function keyOf({ source, provider, id }: SecretReference): string {
  return JSON.stringify([source, provider, id]);
}

function warningOf(
  { path, source, provider }: SecretReference,
  fault: SecretFault,
  isKept: boolean,
): string {
  const consequence = isKept ? "the one from before is kept" : "so it counts as left out";
  return `${pathText(path)} needs a secret of the ${source} provider "${provider}", and ${fault}: ${consequence}`;
}
