import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { err, ok, type Result } from "../../../shared/result.ts";
import { checkConfig } from "../file/check.ts";
import type { Composed } from "../file/compose.ts";
import { type ConfigError, type Issue, issueText } from "../issues/error.ts";
import { readSmallFile } from "../file/files.ts";
import { hashOf, readSources } from "../file/load.ts";
import { parseText } from "../file/parse.ts";
import { type Environment, resolvePaths, type Surroundings } from "../paths.ts";
import { keepReferences, restoreRedacted } from "../file/redact.ts";
import { type ConfigSnapshot, snapshotOf } from "../file/snapshot.ts";
import { substitute } from "../environment/substitute.ts";
import { valueAt } from "../tree.ts";
import { changeTree, type Edit, editsBetween, type TreeChange } from "./change.ts";
import { editText, writtenAnew } from "./edit-text.ts";
import { underLock } from "./lock.ts";
import { ownerOf } from "./owner.ts";
import { whyReadOnly } from "./read-only.ts";
import {
  isForeign,
  keepBackup,
  keepRejected,
  replaceFile,
  sweepDrafts,
  textOf,
} from "./replace.ts";

/** Of small files half is quickly gone. */
const MIN_GUARDED_BYTES = 512;
const COMMENTS_LOST =
  "the file could not be edited in place: it was written anew, without its comments";

/** A change of the tree, or the whole text of the config itself. */
export type ConfigChange = TreeChange | { readonly kind: "text"; readonly text: string };

export interface WriteRequest {
  readonly change: ConfigChange;
  /** Of what the change was made for: when it is not that any more, nothing is written. */
  readonly baseHash?: string | undefined;
  /** Writes although that looks like an accident. */
  readonly force?: boolean | undefined;
  /** Does everything but writing. */
  readonly dryRun?: boolean | undefined;
  /** False: what was there is not kept beside it, for there are secrets in it. Default: true. */
  readonly backup?: boolean | undefined;
}

export interface WriteOutcome {
  /** False: there was nothing to change. */
  readonly changed: boolean;
  /** Settings that changed. */
  readonly paths: readonly (readonly string[])[];
  /** What was written, the config or a file it includes. */
  readonly file: string;
  readonly hash: string;
  readonly warnings: readonly string[];
  /** The config by then, as it is written; with what is secret in it. */
  readonly tree: unknown;
}

export type WriteFault =
  | ConfigError
  | { readonly reason: "conflict" }
  | { readonly reason: "refused"; readonly message: string };

/** What is to be put where. */
interface Planned {
  readonly file: string;
  readonly text: string;
  readonly paths: readonly (readonly string[])[];
  readonly warnings: readonly string[];
}

/** The config as it was found. */
interface Found {
  /** Undefined: there is none. */
  readonly text: string | undefined;
  /** Undefined: it is broken, and can only be replaced. */
  readonly composed: Composed | undefined;
  readonly fault: ConfigError | undefined;
  readonly environment: Environment;
  readonly hash: string;
}

/**
 * The one place where the config is written: checked before, in one piece, under a lock that all
 * processes of this installation share, with what was there kept beside it.
 */
export class ConfigWriter {
  readonly #surroundings: Surroundings;

  constructor({ env, cwd, home }: Surroundings) {
    this.#surroundings = { env, cwd, home };
  }

  get path(): string {
    return resolvePaths(this.#surroundings).configPath;
  }

  get surroundings(): Surroundings {
    return this.#surroundings;
  }

  /** The config as it is written, with what it includes; undefined when it is broken. */
  async read(): Promise<unknown> {
    return (await this.#find(this.path)).composed?.value;
  }

  /** @throws GatewayError `conflict` when somebody else writes and does not come to an end. */
  async write(request: WriteRequest): Promise<Result<WriteOutcome, WriteFault>> {
    const { path } = this;
    const readOnly = whyReadOnly(this.#surroundings.env);
    if (readOnly !== undefined) return refused(readOnly);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return underLock(`${path}.lock`, () => this.#write(path, request));
  }

  /** As it may be shown. */
  snapshot(): Promise<ConfigSnapshot> {
    return snapshotOf(this.#surroundings);
  }

  /** False: there is no config file, and everything is as by default. */
  async exists(): Promise<boolean> {
    return (await textOf(this.path)) !== undefined;
  }

  /** Keeps the config beside itself as one that worked, if it still is the one with this hash. */
  async keepLastGood(hash: string): Promise<void> {
    const { path } = this;
    if (whyReadOnly(this.#surroundings.env) !== undefined) return;
    const found = await this.#find(path);
    if (found.text === undefined || found.hash !== hash) return;
    const { text } = found;
    const copy = `${path}.last-good`;
    if ((await textOf(copy)) === text) return;
    // Whoever writes the config sweeps up what lies around half written.
    await underLock(`${path}.lock`, () => replaceFile(copy, text));
  }

  async #write(path: string, request: WriteRequest): Promise<Result<WriteOutcome, WriteFault>> {
    const { force = false, dryRun = false, backup = true } = request;
    const found = await this.#find(path);
    const planned = await planFor(path, request, found);
    if (!planned.ok) return planned;
    const { file, text, paths, warnings } = planned.value;
    const before = file === path ? found.text : found.composed?.included.get(file);
    if (text === before) return ok(unchanged(file, found));
    const checked = await this.#check(file, text);
    if (!checked.ok) return checked;
    const { composed, hash } = checked.value;
    const accident = force ? undefined : accidentOf(found, composed, before, text);
    if (accident !== undefined) return putAside(accident, planned.value, dryRun);
    if (!dryRun) await put(file, text, backup);
    const all = [...warnings, ...checked.value.warnings];
    return ok({ changed: true, paths, file, hash, warnings: all, tree: composed.value });
  }

  async #find(path: string): Promise<Found> {
    const sources = await readSources(this.#surroundings, readSmallFile);
    if (sources.ok) {
      const { text, composed, variables } = sources.value;
      const { environment } = variables;
      return { text, composed, fault: undefined, environment, hash: hashOf(text, composed) };
    }
    const text = await readSmallFile(path);
    const raw = text.ok ? text.value : undefined;
    const hash = createHash("sha256")
      .update(raw ?? "")
      .digest("hex");
    return { text: raw, composed: undefined, fault: sources.error, environment: {}, hash };
  }

  async #check(
    file: string,
    text: string,
  ): Promise<
    Result<{ composed: Composed; hash: string; warnings: readonly string[] }, ConfigError>
  > {
    const read = await checkConfig(this.#surroundings, async (asked) =>
      asked === file ? ok(text) : readSmallFile(asked),
    );
    if (!read.ok) return read;
    const { sources, checked, unfit } = read.value;
    if (!checked.ok) return checked;
    const hash = hashOf(sources.text, sources.composed);
    const left = unfit.map((issue) => `no gateway starts with this yet: ${issueText(issue)}`);
    const warnings = [...checked.value.warnings, ...left];
    return ok({ composed: sources.composed, hash, warnings });
  }
}

function unchanged(file: string, { hash, composed }: Found): WriteOutcome {
  return { changed: false, paths: [], file, hash, warnings: [], tree: composed?.value };
}

async function put(file: string, text: string, backup: boolean): Promise<void> {
  await sweepDrafts(file);
  if (backup) await keepBackup(file);
  await replaceFile(file, text);
}

/** What a request comes to, unless something is in its way. */
async function planFor(
  path: string,
  { change, baseHash }: WriteRequest,
  found: Found,
): Promise<Result<Planned, WriteFault>> {
  if (await isForeign(path)) {
    return refused(`${path} is a link or no file: name the file itself in OPENCLAW_CONFIG_PATH`);
  }
  if (baseHash !== undefined && baseHash !== found.hash) return err({ reason: "conflict" });
  const planned =
    change.kind === "text" ? planText(path, change.text, found) : plan(path, change, found);
  if (!planned.ok) return planned;
  const { file } = planned.value;
  if (!(await isForeign(file))) return planned;
  return refused(`${file} is a link or no file: edit what it leads to`);
}

/** Refuses what looks like an accident; it is kept, so that nothing of it is lost. */
async function putAside(
  accident: string,
  { file, text }: Planned,
  dryRun: boolean,
): Promise<Result<never, WriteFault>> {
  if (dryRun) return refused(accident);
  const copy = await keepRejected(file, text, new Date());
  return refused(`${accident}: nothing was written, and what should have been is in ${copy}`);
}

/** A change of the tree, as one of the text it comes from. */
function plan(path: string, change: TreeChange, found: Found): Result<Planned, WriteFault> {
  const { composed, fault, environment } = found;
  if (composed === undefined) return err(fault ?? { reason: "conflict" });
  const changed = changeTree(composed.value, change);
  if (!changed.ok) return invalid(path, [changed.error]);
  const next = completed(changed.value, composed.value, environment);
  if (next.issues.length > 0) return invalid(path, next.issues);
  return planEdits(path, editsBetween(composed.value, next.value), composed, found.text);
}

function planEdits(
  path: string,
  edits: readonly Edit[],
  composed: Composed,
  rootText: string | undefined,
): Result<Planned, WriteFault> {
  const owner = ownerOf(edits, composed, path);
  if (!owner.ok) return refused(owner.error);
  const { file, prefix } = owner.value;
  const text = file === path ? (rootText ?? "{}\n") : (composed.included.get(file) ?? "{}");
  const own = parseText(text, file);
  if (!own.ok) return own;
  const mine = edits.map(({ path: at, value }) => ({ path: at.slice(prefix.length), value }));
  const wanted = mine.reduce(withEdit, own.value);
  const edited = editText(text, mine, wanted);
  return ok({
    file,
    text: edited ?? writtenAnew(wanted),
    paths: edits.map((edit) => edit.path),
    warnings: edited === undefined ? [COMMENTS_LOST] : [],
  });
}

function withEdit(tree: unknown, { path, value }: Edit): unknown {
  const changed = changeTree(
    tree,
    value === undefined ? { kind: "unset", path } : { kind: "set", path, value },
  );
  return changed.ok ? changed.value : tree;
}

/** A whole new text; when what it replaces is of several files, only as far as it changes one. */
function planText(path: string, text: string, found: Found): Result<Planned, WriteFault> {
  const parsed = parseText(text, path);
  if (!parsed.ok) return parsed;
  const before = found.composed?.value;
  const next = completed(parsed.value, before, found.environment);
  if (next.issues.length > 0) return invalid(path, next.issues);
  const { composed } = found;
  const isFlat =
    composed !== undefined && composed.boundaries.length > 0 && !hasInclude(parsed.value);
  const edits = editsBetween(before, next.value);
  if (isFlat) return planEdits(path, edits, composed, found.text);
  const edited = editText(text, editsBetween(parsed.value, next.value), next.value);
  return ok({
    file: path,
    text: edited ?? writtenAnew(next.value),
    paths: edits.map((edit) => edit.path),
    warnings: edited === undefined ? [COMMENTS_LOST] : [],
  });
}

/** With what was not shown to whoever made it, and with references as they are written. */
function completed(
  value: unknown,
  before: unknown,
  environment: Environment,
): ReturnType<typeof restoreRedacted> {
  const { value: restored, issues } = restoreRedacted(value, before);
  const filled = substitute(before, (name) => environment[name]).value;
  return { value: keepReferences(restored, before, filled), issues };
}

function hasInclude(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return "$include" in value || Object.values(value).some(hasInclude);
}

/** What looks as if half a config was meant to be a change of one. */
function accidentOf(
  { composed }: Found,
  next: Composed,
  before: string | undefined,
  text: string,
): string | undefined {
  const mode = ["gateway", "mode"];
  const hadMode = valueAt(composed?.value, mode) !== undefined;
  if (hadMode && valueAt(next.value, mode) === undefined) return "this would drop gateway.mode";
  const bytes = Buffer.byteLength(before ?? "");
  const shrinks = bytes >= MIN_GUARDED_BYTES && Buffer.byteLength(text) * 2 < bytes;
  return shrinks ? "this would drop more than half of the config" : undefined;
}

function invalid(file: string, issues: readonly Issue[]): Result<never, ConfigError> {
  return err({ reason: "invalid", file, issues });
}

function refused(message: string): Result<never, WriteFault> {
  return err({ reason: "refused", message });
}
