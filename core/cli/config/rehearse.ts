import { type Resolvability, resolvabilityOf } from "../../config/secrets/resolvable.ts";
import { issuesOf } from "../../config/file/snapshot.ts";
import { pathText } from "../../config/issues/path-text.ts";
import type { TreeChange } from "../../config/write/change.ts";
import { ConfigWriter, type WriteFault, type WriteOutcome } from "../../config/write/writer.ts";
import type { Io } from "../command.ts";
import type { Operation } from "./operations.ts";
import { fail, issueLines } from "./said.ts";

export interface Rehearsal {
  readonly change: TreeChange;
  readonly operations: readonly Operation[];
  readonly force: boolean;
  readonly json: boolean;
  /** Whether programs that have secrets may be asked. */
  readonly allowExec: boolean;
}

/** Why a change would not be written. */
interface Fault {
  readonly kind: "schema" | "resolvability" | "conflict";
  readonly message: string;
  readonly ref?: string;
}

/** What a rehearsal came to. */
interface Rehearsed extends Pick<Resolvability, "refsChecked" | "skippedExecRefs"> {
  /** Undefined: it would not be written. */
  readonly outcome: WriteOutcome | undefined;
  readonly errors: readonly Fault[];
  readonly configPath: string;
}

/** Does everything but writing, and looks whether references that are set lead anywhere. */
export async function rehearse(rehearsal: Rehearsal, io: Io): Promise<number> {
  const rehearsed = await rehearsedOf(rehearsal, io);
  if (rehearsal.json) tellPrograms(rehearsed, rehearsal, io);
  else tellPeople(rehearsed, io);
  return rehearsed.errors.length === 0 ? 0 : 1;
}

async function rehearsedOf(
  { change, operations, force, allowExec }: Rehearsal,
  io: Io,
): Promise<Rehearsed> {
  const writer = new ConfigWriter(io);
  const configPath = writer.path;
  const tried = await writer.write({ change, force, dryRun: true });
  if (!tried.ok) {
    const errors = faultsOf(tried.error);
    return { outcome: undefined, errors, configPath, refsChecked: 0, skippedExecRefs: 0 };
  }
  const { faults, ...checked } = await resolvabilityOf({
    ...writer.surroundings,
    uid: io.uid,
    allowExec,
    tree: tried.value.tree,
    changed: operations.map(({ path }) => path),
  });
  const errors = faults.map(({ ref, message }): Fault => ({ kind: "resolvability", message, ref }));
  return { outcome: tried.value, errors, configPath, ...checked };
}

function tellPrograms(
  { outcome, errors, configPath, refsChecked, skippedExecRefs }: Rehearsed,
  { operations }: Rehearsal,
  io: Io,
): void {
  const isLooked = outcome !== undefined;
  const report = {
    ok: errors.length === 0,
    dryRun: true,
    operations: operations.length,
    configPath,
    inputModes: [...new Set(operations.map(({ mode }) => mode))],
    checks: {
      schema: true,
      resolvability: isLooked,
      resolvabilityComplete: isLooked && skippedExecRefs === 0,
    },
    refsChecked,
    skippedExecRefs,
    ...(outcome === undefined ? {} : outcomeOf(outcome)),
    ...(errors.length === 0 ? {} : { errors }),
  };
  io.out(JSON.stringify(report));
}

function tellPeople({ outcome, errors, configPath, skippedExecRefs }: Rehearsed, io: Io): void {
  for (const warning of outcome?.warnings ?? []) io.err(warning);
  if (skippedExecRefs > 0) {
    io.err(
      `${skippedExecRefs} references to programs were not looked at: --allow-exec starts them`,
    );
  }
  if (errors.length > 0) {
    const lines = errors.map(({ ref, message }) => (ref === undefined ? "" : `${ref}: `) + message);
    fail(`nothing would be written: ${lines.join("; ")}`, { json: false, io });
  } else if (outcome?.changed === true) {
    io.out(`Dry run successful: nothing was written to ${outcome.file}.`);
  } else io.out(`Nothing to change in ${configPath}.`);
}

function outcomeOf({ changed, file, hash, warnings, paths }: WriteOutcome): object {
  return { changed, path: file, changedPaths: paths.map(pathText), hash, warnings };
}

function faultsOf(fault: WriteFault): Fault[] {
  if (fault.reason === "conflict") {
    return [{ kind: "conflict", message: "the config was changed by somebody else meanwhile" }];
  }
  if (fault.reason === "refused") return [{ kind: "conflict", message: fault.message }];
  return issueLines(issuesOf(fault)).map((message) => ({ kind: "schema", message }));
}
