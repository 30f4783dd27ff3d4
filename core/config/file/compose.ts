/**
 * `$include`: one config out of several files. The value is a path or a list of paths, relative to
 * the file it stands in; files of a list are merged in order, and what stands beside `$include`
 * wins over all of them. Source: the config reference of OpenClaw 2026.9, "Config includes".
 */
import { realpath } from "node:fs/promises";
import { delimiter, dirname, isAbsolute, relative, resolve } from "node:path";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { ConfigError } from "../issues/error.ts";
import { readSmallFile } from "./files.ts";
import { pathText } from "../issues/path-text.ts";
import { parseText } from "./parse.ts";
import { isDeeperThan, isTree, merge, type Tree } from "../tree.ts";

const INCLUDE = "$include";
/** Files inside files. */
const MAX_LEVELS = 10;
/** Of all files together: a list of lists of lists grows quickly. */
const MAX_FILES = 256;
/** What no path of a file system is longer than. */
const MAX_PATH_UNITS = 4_095;
/** Deeper than any setting: a file that goes on is a mistake, or an attack on the stack. */
const MAX_DEPTH = 32;

/** Where settings come from another file. */
export interface Boundary {
  /** Of the object with the `$include`. */
  readonly path: readonly string[];
  readonly files: readonly string[];
  /** The file with the `$include`. */
  readonly from: string;
  /** True when one file is the whole of that object, so that what changes there can go there. */
  readonly isWhole: boolean;
  /** What these files say something of, of that object. */
  readonly keys: readonly string[];
}

export interface Composed {
  readonly value: unknown;
  /** Everything that was read beside the config itself: text by absolute path. */
  readonly included: ReadonlyMap<string, string>;
  readonly boundaries: readonly Boundary[];
}

/** Reads a file of settings; undefined when there is none. */
export type ReadText = (file: string) => Promise<Result<string | undefined, ConfigError>>;

export interface ComposeOptions {
  /** Default: from the disk. */
  readonly read?: ReadText | undefined;
  /** OPENCLAW_INCLUDE_ROOTS: further folders that files may be taken from. */
  readonly roots?: string | undefined;
}

/** From the text of the config to the whole, with all it includes. Nothing is substituted yet. */
export async function compose(
  text: string,
  file: string,
  { read = readSmallFile, roots = "" }: ComposeOptions = {},
): Promise<Result<Composed, ConfigError>> {
  const parsed = parseText(text, file);
  if (!parsed.ok) return parsed;
  if (!text.includes(INCLUDE)) {
    return ok({ value: parsed.value, included: new Map(), boundaries: [] });
  }
  const further = roots.split(delimiter).filter((root) => isAbsolute(root));
  const composition = new Composition(file, read, [dirname(file), ...further]);
  try {
    const value = await composition.resolve(parsed.value, { file, path: [], chain: [file] });
    return ok({ value, included: composition.included, boundaries: composition.boundaries });
  } catch (error) {
    if (error instanceof IncludeFault) return err(error.fault);
    throw error;
  }
}

/** On its way out of the recursion, to become a Result again. */
class IncludeFault extends Error {
  override readonly name = "IncludeFault";
  readonly fault: ConfigError;

  constructor(fault: ConfigError) {
    super(fault.reason);
    this.fault = fault;
  }
}

interface Place {
  readonly file: string;
  readonly path: readonly string[];
  /** The files we are inside of, outermost first. */
  readonly chain: readonly string[];
}

class Composition {
  readonly included = new Map<string, string>();
  readonly boundaries: Boundary[] = [];
  readonly #file: string;
  readonly #read: ReadText;
  readonly #roots: readonly string[];
  #loads = 0;

  constructor(file: string, read: ReadText, roots: readonly string[]) {
    this.#file = file;
    this.#read = read;
    this.#roots = roots;
  }

  async resolve(value: unknown, place: Place): Promise<unknown> {
    if (isDeeperThan(value, MAX_DEPTH)) this.#fail(place, "it is nested too deeply");
    return this.#walk(value, place);
  }

  async #walk(value: unknown, place: Place): Promise<unknown> {
    const below = (key: string): Place => ({ ...place, path: [...place.path, key] });
    if (Array.isArray(value)) {
      const list: unknown[] = [];
      for (const [index, one] of value.entries()) {
        list.push(await this.#walk(one, below(String(index))));
      }
      return list;
    }
    if (!isTree(value)) return value;
    if (Object.hasOwn(value, INCLUDE)) return this.#include(value, place);
    return this.#walkEach(value, below);
  }

  async #walkEach(tree: Tree, below: (key: string) => Place): Promise<Tree> {
    const entries: [string, unknown][] = [];
    for (const [key, child] of Object.entries(tree)) {
      entries.push([key, await this.#walk(child, below(key))]);
    }
    return Object.fromEntries(entries);
  }

  async #include(tree: Tree, place: Place): Promise<unknown> {
    const { [INCLUDE]: named, ...beside } = tree;
    const names: readonly unknown[] = Array.isArray(named) ? named : [named];
    const at = { ...place, path: [...place.path, INCLUDE] };
    const files: string[] = [];
    let value: unknown = Array.isArray(named) ? {} : undefined;
    for (const name of names) {
      if (typeof name !== "string") {
        this.#fail(at, "must be the path of a file, or a list of such paths");
      }
      const file = await this.#locate(name, at);
      files.push(file);
      value = merge(value, await this.#load(name, file, place));
    }
    const hasSiblings = Object.keys(beside).length > 0;
    const isWhole = !Array.isArray(named) && !hasSiblings && isTree(value);
    const keys = isTree(value) ? Object.keys(value) : [];
    this.boundaries.push({ path: place.path, files, from: place.file, isWhole, keys });
    if (!hasSiblings) return value;
    if (!isTree(value)) this.#fail(at, "Sibling keys require included content to be an object");
    const below = (key: string): Place => ({ ...place, path: [...place.path, key] });
    return merge(value, await this.#walkEach(beside, below));
  }

  async #load(name: string, file: string, place: Place): Promise<unknown> {
    const at = { ...place, path: [...place.path, INCLUDE] };
    if (place.chain.includes(file)) {
      const chain = [...place.chain, file].map((one) => this.#short(one));
      this.#fail(at, `Circular include detected: ${chain.join(" -> ")}`);
    }
    if (place.chain.length > MAX_LEVELS) {
      this.#fail(at, `Maximum include depth (${MAX_LEVELS}) exceeded at: ${shown(name)}`);
    }
    this.#loads += 1;
    if (this.#loads > MAX_FILES) this.#fail(at, `includes more than ${MAX_FILES} files`);
    const text = await this.#text(name, file, at);
    const parsed = parseText(text, file);
    if (!parsed.ok) throw new IncludeFault(parsed.error);
    return this.resolve(parsed.value, { file, path: place.path, chain: [...place.chain, file] });
  }

  async #text(name: string, file: string, at: Place): Promise<string> {
    const known = this.included.get(file);
    if (known !== undefined) return known;
    const text = await this.#read(file);
    if (!text.ok && text.error.reason === "too_large") throw new IncludeFault(text.error);
    if (!text.ok || text.value === undefined) {
      this.#fail(at, `Failed to read include file: ${shown(name)} (resolved: ${file})`);
    }
    this.included.set(file, text.value);
    return text.value;
  }

  /** The file that is meant, wherever links lead to: outside the allowed folders is nothing of ours. */
  async #locate(name: string, at: Place): Promise<string> {
    const file = resolve(dirname(at.file), name);
    if (name === "" || name.includes("\0") || file.length > MAX_PATH_UNITS) {
      this.#fail(at, "must be the path of a file, or a list of such paths");
    }
    const escapes = `Include path escapes config directory: ${shown(name)}`;
    if (!this.#roots.some((root) => isInside(root, file))) this.#fail(at, escapes);
    const real = await realPathOf(file);
    const roots = await Promise.all(this.#roots.map(realPathOf));
    if (!roots.some((root) => isInside(root, real))) this.#fail(at, escapes);
    return file;
  }

  #short(file: string): string {
    return relative(dirname(this.#file), file);
  }

  #fail({ file, path }: Place, message: string): never {
    throw new IncludeFault({
      reason: "invalid",
      file,
      issues: [{ path: pathText(path), message }],
    });
  }
}

/** The path itself when nothing is there: reading it says so. */
function realPathOf(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== "" && way !== ".." && !/^\.\.[/\\]/.test(way) && !isAbsolute(way);
}

/** A path as somebody wrote it, on one line. */
function shown(name: string): string {
  // oxlint-disable-next-line no-control-regex -- the control characters are the point
  return name.slice(0, 256).replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, "?");
}
