/** The config: as it is written there, comments and references and all. */
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { GatewayError } from "../../shared/errors.ts";
import { ok } from "../../shared/result.ts";
import { checkConfig } from "../config/file/check.ts";
import { configErrorText, type ConfigError, type Issue } from "../config/issues/error.ts";
import { readSmallFile } from "../config/file/files.ts";
import { stripPassedOver } from "../config/issues/known-keys.ts";
import { pathText } from "../config/issues/path-text.ts";
import type { Surroundings } from "../config/paths.ts";
import { isTree, valueAt } from "../config/tree.ts";
import { changeTree, type Edit, editsBetween } from "../config/write/change.ts";
import { editText, writtenAnew } from "../config/write/edit-text.ts";
import { parsePath } from "../config/write/path.ts";
import { replaceFile, textOf } from "../config/write/replace.ts";
import { ConfigWriter } from "../config/write/writer.ts";
import type { Source } from "./source.ts";
import type { Step } from "./step.ts";

/** Settings that are taken out because nobody knows them; with more it is no config. */
const MAX_FAULTS = 50;

export interface ConfigOrder {
  readonly source: Source;
  /** Of ours. */
  readonly surroundings: Surroundings;
  readonly configPath: string;
  readonly stateDir: string;
  /** Provider -> the variable that its key is in. */
  readonly references: ReadonlyMap<string, string>;
}

/** What is read of it, for other parts. */
export interface ConfigPlan {
  readonly steps: readonly Step[];
  /** Folders of workspaces that the config names, within the source. */
  readonly workspaces: readonly string[];
}

export async function configPlan(order: ConfigOrder): Promise<ConfigPlan> {
  const { source, configPath, surroundings } = order;
  const from = theirs(order);
  const text = await textOf(source.configFile);
  if (text === undefined) return { steps: [], workspaces: [] };
  const named = { part: "config", name: configPath } as const;
  if (source.configFile === configPath) {
    return { steps: [{ ...named, verdict: "same" }], workspaces: [] };
  }
  const read = await readThere(from, source.configFile, text);
  if (!("tree" in read)) {
    return { steps: [{ ...named, verdict: "left", note: configErrorText(read) }], workspaces: [] };
  }
  const { tree, faults, included } = read;
  const wanted = rewritten(tree, order);
  const edited = included.size > 0 ? text : textFor(text, tree, faults, wanted);
  const notes = [...faults.map(dropped), ...unused(wanted)];
  const ours = await textOf(configPath);
  const workspaces = workspacesIn(tree, order);
  if (ours === edited) return { steps: [{ ...named, verdict: "same" }], workspaces };
  if (ours !== undefined) {
    const note = "there is a config of ours, and it stays: sallyport config patch takes parts over";
    return { steps: [{ ...named, verdict: "kept", note }], workspaces };
  }
  const apply = (): Promise<void> => write(edited, included, order, surroundings);
  const note = included.size === 0 ? undefined : `and ${included.size} files it includes`;
  return { steps: [{ ...named, verdict: "add", note, apply }, ...notes], workspaces };
}

function theirs({ source, surroundings }: ConfigOrder): Surroundings {
  const env = {
    ...surroundings.env,
    OPENCLAW_HOME: undefined,
    OPENCLAW_STATE_DIR: source.dir,
    OPENCLAW_CONFIG_PATH: source.configFile,
  };
  return { ...surroundings, env };
}

interface Read {
  readonly tree: unknown;
  /** What is taken out of it. */
  readonly faults: readonly Issue[];
  /** By their place. */
  readonly included: ReadonlyMap<string, string>;
}

/** As we would read it: what stops us is taken out piece by piece. */
async function readThere(
  from: Surroundings,
  file: string,
  text: string,
): Promise<Read | ConfigError> {
  const faults: Issue[] = [];
  let now = text;
  for (;;) {
    const shown = now;
    const read = await checkConfig(from, async (asked) =>
      asked === file ? ok(shown) : readSmallFile(asked),
    );
    if (!read.ok) return read.error;
    const { composed } = read.value.sources;
    const { checked } = read.value;
    if (checked.ok) return { tree: composed.value, faults, included: composed.included };
    const { error } = checked;
    if (error.reason !== "invalid" || composed.included.size > 0) return error;
    const tree = error.issues.reduce(without, composed.value);
    faults.push(...error.issues);
    if (faults.length > MAX_FAULTS || tree === composed.value) return error;
    now = writtenAnew(tree);
  }
}

/** The same tree when there is nothing at the place. */
function without(tree: unknown, { path }: Issue): unknown {
  const parsed = parsePath(path);
  if (!parsed.ok) return tree;
  const changed = changeTree(tree, { kind: "unset", path: parsed.value });
  return changed.ok ? changed.value : tree;
}

function textFor(text: string, tree: unknown, faults: readonly Issue[], wanted: unknown): string {
  const removed = faults.flatMap(({ path }): Edit[] => {
    const parsed = parsePath(path);
    return parsed.ok ? [{ path: parsed.value, value: undefined }] : [];
  });
  const edits = [...removed, ...editsBetween(tree, wanted)];
  if (edits.length === 0) return text;
  return editText(text, edits, wanted) ?? writtenAnew(wanted);
}

/** With the places of workspaces as they are here, and keys where they are now. */
function rewritten(tree: unknown, order: ConfigOrder): unknown {
  const moved = workspacePaths(tree).reduce((now, path) => {
    const value = movedPath(valueAt(tree, path), order);
    return value === undefined ? now : withValue(now, path, value);
  }, tree);
  return [...order.references].reduce((now, [provider, name]) => {
    const path = ["models", "providers", provider, "apiKey"];
    return valueAt(now, path) === undefined ? withValue(now, path, `\${${name}}`) : now;
  }, moved);
}

function withValue(tree: unknown, path: readonly string[], value: string): unknown {
  const changed = changeTree(tree, { kind: "set", path, value });
  return changed.ok ? changed.value : tree;
}

function workspacePaths(tree: unknown): (readonly string[])[] {
  const entries = valueAt(tree, ["agents", "entries"]);
  const list = valueAt(tree, ["agents", "list"]);
  return [
    ["agents", "defaults", "workspace"],
    ...(isTree(entries) ? Object.keys(entries) : []).map((id) => [
      "agents",
      "entries",
      id,
      "workspace",
    ]),
    ...(Array.isArray(list) ? list : []).map((_, index) => [
      "agents",
      "list",
      String(index),
      "workspace",
    ]),
  ];
}

/** Where a folder of the source is here; undefined: it stays where it is. */
function movedPath(value: unknown, order: ConfigOrder): string | undefined {
  const inside = insideOf(value, order);
  return inside === undefined || inside === "" ? undefined : join(order.stateDir, inside);
}

/** As it is called within the source. */
function insideOf(value: unknown, { source, surroundings }: ConfigOrder): string | undefined {
  if (typeof value !== "string" || value.includes("${")) return undefined;
  const path = resolve(surroundings.cwd, value.replace(/^~(?=$|[/\\])/, surroundings.home));
  const name = relative(source.dir, path);
  return name.startsWith("..") || isAbsolute(name) ? undefined : name;
}

function workspacesIn(tree: unknown, order: ConfigOrder): string[] {
  return workspacePaths(tree).flatMap((path) => {
    const inside = insideOf(valueAt(tree, path), order);
    return inside === undefined || inside === "" ? [] : [inside];
  });
}

function dropped({ path, message }: Issue): Step {
  return { part: "config", name: path, verdict: "left", note: message };
}

function unused(tree: unknown): Step[] {
  const note = "this version has no use for it; it stays in the file";
  return stripPassedOver(tree).unused.map((path) => {
    return { part: "config", name: pathText(path), verdict: "left", note };
  });
}

async function write(
  text: string,
  included: ReadonlyMap<string, string>,
  { source, configPath }: ConfigOrder,
  surroundings: Surroundings,
): Promise<void> {
  for (const [file, content] of included) {
    const name = relative(dirname(source.configFile), file);
    const copy = join(dirname(configPath), name);
    if (name.startsWith("..") || (await textOf(copy)) !== undefined) continue;
    await replaceFile(copy, content);
  }
  const change = { kind: "text", text } as const;
  const written = await new ConfigWriter(surroundings).write({ change });
  if (written.ok) return;
  const { error } = written;
  if (error.reason === "refused") throw new GatewayError("forbidden", error.message);
  if (error.reason === "conflict") throw new GatewayError("conflict", "somebody else writes it");
  throw new GatewayError("invalid_request", configErrorText(error));
}
