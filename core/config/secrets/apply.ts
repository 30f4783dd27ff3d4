/** Carries out a plan: secrets go where they are to be, and the config refers to them. */
import { GatewayError } from "../../../shared/errors.ts";
import { readSmallFile } from "../file/files.ts";
import type { Filled } from "../file/interpret.ts";
import { fillFrom, hashOf, readSources, type Sources } from "../file/load.ts";
import { type ConfigError, configErrorText } from "../issues/error.ts";
import type { Surroundings } from "../paths.ts";
import type { TreeChange } from "../write/change.ts";
import { setVariables } from "../write/env-file.ts";
import { ConfigWriter, type WriteFault } from "../write/writer.ts";
import { type Moves, movesOf } from "./moves.ts";
import { type PlannedTarget, type SecretPlan, targetsOf, writtenAs } from "./plan.ts";
import { scrubBackups, scrubVariables } from "./scrub.ts";
import { SecretStore } from "./store.ts";

export interface ApplyRequest extends Surroundings {
  /** Of this process; undefined where there are no user ids. */
  readonly uid: number | undefined;
  readonly plan: SecretPlan;
  /** Whether programs that have secrets may be asked. */
  readonly allowExec: boolean;
  /** Does everything but writing. */
  readonly dryRun: boolean;
  /** Unix ms. */
  readonly now: number;
  /** Who is told to have written the entries of the store. */
  readonly updatedBy: string;
}

export interface Applied {
  readonly mode: "dry-run" | "write";
  readonly changed: boolean;
  readonly changedFiles: readonly string[];
  readonly checks: { readonly resolvability: boolean; readonly resolvabilityComplete: boolean };
  readonly refsChecked: number;
  readonly skippedExecRefs: number;
  readonly warningCount: number;
  readonly warnings: readonly string[];
  /** Earlier versions of the config that were removed, with the secrets in them. */
  readonly removedBackups: readonly string[];
}

/**
 * Checks a plan, and does it unless it is only to be checked. A secret that stands at a setting whose
 * new place is empty is moved there; one whose place is filled is dropped, with a warning where the
 * two differ.
 *
 * @throws GatewayError invalid_request, forbidden or conflict that says why nothing was changed.
 */
export async function applyPlan(request: ApplyRequest): Promise<Applied> {
  const { plan, dryRun } = request;
  const targets = targetsOf(plan);
  if (!targets.ok) throw refused(targets.error);
  checkConsent(plan, request);
  const writer = new ConfigWriter(request);
  const { sources, filled } = await read(request);
  const change = changeOf(plan, targets.value);
  const tried = accepted(await writer.write({ change, dryRun: true, force: true }));
  const after = { sources, filled, tree: tried.tree };
  const planned = await movesOf(targets.value, after, request);
  if (!planned.ok) throw refused(planned.error);
  const moves = planned.value;
  const files = tried.changed ? [tried.file] : [];
  const counts = {
    mode: dryRun ? "dry-run" : "write",
    checks: { resolvability: true, resolvabilityComplete: moves.skipped === 0 },
    refsChecked: moves.checked,
    skippedExecRefs: moves.skipped,
    warningCount: moves.warnings.length,
    warnings: moves.warnings,
  } as const;
  const { envFiles, stateDir } = sources.paths;
  const store = new SecretStore(stateDir, request.uid);
  const changedFiles = [
    ...files,
    ...(moves.store.size > 0 ? [store.file] : []),
    ...(moves.env.size > 0 ? [envFiles.state] : []),
  ];
  const report = { ...counts, changed: changedFiles.length > 0, changedFiles };
  if (dryRun) return { ...report, removedBackups: [] };
  await keep(moves, store, envFiles.state, request);
  // What a change of a moment ago would undo is not written.
  const baseHash = hashOf(sources.text, sources.composed);
  accepted(await writer.write({ change, baseHash, force: true, backup: false }));
  const old = new Set(moves.plain);
  if (plan.options.scrubEnv) await scrubVariables(envFiles.state, old, tried.tree, moves.env);
  return { ...report, removedBackups: await scrubBackups(writer.path, tried.file, old) };
}

async function read(
  request: Surroundings,
): Promise<{ readonly sources: Sources; readonly filled: Filled }> {
  const sources = await readSources(request, readSmallFile);
  if (!sources.ok) throw broken(sources.error);
  const filled = await fillFrom(sources.value, sources.value.paths.configPath);
  if (!filled.ok) throw broken(filled.error);
  return { sources: sources.value, filled: filled.value };
}

/** Whoever carries out a plan may not know that it makes us start a program. */
function checkConsent(
  { providerUpserts, targets }: SecretPlan,
  { allowExec, dryRun }: ApplyRequest,
): void {
  const isExec =
    Object.values(providerUpserts).some(({ source }) => source === "exec") ||
    targets.some(({ ref }) => ref.source === "exec");
  if (isExec && !allowExec && !dryRun) {
    throw refused("the plan has references to programs: say --allow-exec to have them started");
  }
}

function changeOf(plan: SecretPlan, targets: readonly PlannedTarget[]): TreeChange {
  const providers = ["secrets", "providers"];
  const patch = Object.fromEntries(plan.providerDeletes.map((alias) => [alias, null]));
  const upserts = Object.entries(plan.providerUpserts).map(([alias, value]): TreeChange => ({
    kind: "set",
    path: [...providers, alias],
    value,
  }));
  const deletes: TreeChange[] =
    plan.providerDeletes.length === 0
      ? []
      : [{ kind: "merge", patch: { secrets: { providers: patch } }, mayReplace: "all" }];
  const sets = targets.map((target): TreeChange => ({
    kind: "set",
    path: target.path,
    value: writtenAs(target),
  }));
  return { kind: "batch", changes: [...upserts, ...sets, ...deletes] };
}

/** Before the config refers to them. */
async function keep(
  { store: moved, env }: Moves,
  store: SecretStore,
  envFile: string,
  { now, updatedBy }: ApplyRequest,
): Promise<void> {
  const entries = [...moved].map(([name, value]) => {
    return { name, value, kind: "secret", updatedBy } as const;
  });
  if (entries.length > 0) await store.set(entries, now);
  if (env.size > 0) await setVariables(envFile, env);
}

function accepted<T>(result: { ok: true; value: T } | { ok: false; error: WriteFault }): T {
  if (result.ok) return result.value;
  const { error } = result;
  if (error.reason === "refused") throw new GatewayError("forbidden", error.message);
  if (error.reason === "conflict") {
    throw new GatewayError("conflict", "the config was changed by somebody else: try again");
  }
  throw broken(error);
}

function broken(error: ConfigError): GatewayError {
  return refused(`nothing was changed: ${configErrorText(error)}`);
}

function refused(message: string): GatewayError {
  return new GatewayError("invalid_request", message);
}
