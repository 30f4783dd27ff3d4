import { parseEnv } from "node:util";
import { err, ok, type Result } from "../../../shared/result.ts";
import { readSmallFile } from "../file/files.ts";
import { resolvePaths } from "../paths.ts";
import { isCredential } from "../credentials.ts";
import { variablesIn } from "../environment/substitute.ts";
import { referredIn } from "../secrets/referred.ts";
import { separated } from "../secrets/separate.ts";
import { mapTexts, type Tree, valueAt } from "../tree.ts";
import { envNames, removeVariables, setVariables } from "./env-file.ts";
import type { ConfigWriter, WriteFault, WriteOutcome } from "./writer.ts";

export interface WrittenApart extends WriteOutcome {
  /** Where the secrets are now. */
  readonly envFile: string;
  /** Names of variables that were set. */
  readonly variables: readonly string[];
}

/**
 * Merges a change into the config, and puts its secrets into `.env` of the state folder first, so
 * that what the config refers to is there. A variable of the process that has another value already
 * would win over that file, and another setting may go by the variable: then the secret gets another
 * name. Where a credential is taken out, its
 * variable goes from that file as well.
 *
 * @throws GatewayError when the variables cannot be written.
 */
export async function writeApart(
  writer: ConfigWriter,
  change: Tree,
): Promise<Result<WrittenApart, WriteFault>> {
  const { surroundings } = writer;
  const { envFiles } = resolvePaths(surroundings);
  const local = await readSmallFile(envFiles.cwd);
  const given = { ...parseEnv((local.ok ? local.value : undefined) ?? ""), ...surroundings.env };
  const kept = await envNames(envFiles.state);
  const others = usedBeside(await writer.read(), change);
  const { config, variables } = separated(change, (name, value) => {
    const known = given[name] ?? "";
    const isOthers = others.has(name) && (kept.get(name) ?? value) !== value;
    return (known === "" || known === value) && !isOthers;
  });
  const request = { change: { kind: "merge", patch: config, mayReplace: "all" } } as const;
  // A config that would be refused must not leave its secrets behind.
  const tried = await writer.write({ ...request, dryRun: true });
  if (!tried.ok) return err(tried.error);
  const set = variables.size === 0 ? [] : await setVariables(envFiles.state, variables);
  const before = await writer.read();
  const written = await writer.write(request);
  if (!written.ok) return err(written.error);
  const gone = takenOut(before, written.value.tree);
  if (gone.size > 0) await removeVariables(envFiles.state, gone);
  return ok({ ...written.value, envFile: envFiles.state, variables: set });
}

/** Variables that settings go by which a change says nothing of. Pure. */
export function usedBeside(tree: unknown, change: Tree): ReadonlySet<string> {
  const used = new Set(referredIn(tree, "env"));
  mapTexts(tree, (text, path) => {
    if (valueAt(change, path) === undefined) for (const name of variablesIn(text)) used.add(name);
    return text;
  });
  return used;
}

/** Variables of credentials that are not set any more and that nothing else refers to. Pure. */
export function takenOut(before: unknown, after: unknown): ReadonlySet<string> {
  const used = new Set([...variablesIn(after), ...referredIn(after, "env")]);
  const gone = new Set<string>();
  mapTexts(before, (text, path) => {
    const isOut = isCredential(path.join(".")) && valueAt(after, path) === undefined;
    for (const name of isOut ? variablesIn(text) : []) if (!used.has(name)) gone.add(name);
    return text;
  });
  return gone;
}
