import { parseEnv } from "node:util";
import { GatewayError } from "../../../shared/errors.ts";
import type { Secret } from "../../../shared/secret.ts";
import { readSmallFile } from "../file/files.ts";
import { underLock } from "./lock.ts";
import { isForeign, replaceFile } from "./replace.ts";

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** What means itself without quotes. */
const PLAIN = /^[\w.:/+=@%,~-]*$/;
/** A line whose value begins with a quote. */
const OPENED = /^\s*[^#=\s][^=]*=\s*(?<mark>['"`])(?<rest>.*)$/;
/** In the order in which they are tried: between the first two, nothing means anything but itself. */
const QUOTES = ["'", "`", '"'] as const;

/** One line of a `.env`; undefined for a value that none can hold. Pure. */
export function envLine(name: string, value: string): string | undefined {
  if (!NAME.test(name)) return undefined;
  const forms = PLAIN.test(value) ? [value] : QUOTES.map((mark) => `${mark}${value}${mark}`);
  const lines = forms.map((form) => `${name}=${form}`);
  // Read as it will be read: whatever comes back otherwise would be another value.
  return lines.find((line) => parseEnv(line)[name] === value);
}

/** The names that are set in a file of variables; empty when there is none. */
export async function envNames(file: string): Promise<ReadonlyMap<string, string>> {
  return new Map(Object.entries(parseEnv(await textOf(file))).flatMap(isSet));
}

function isSet([name, value]: [string, string | undefined]): [string, string][] {
  return value === undefined || value === "" ? [] : [[name, value]];
}

/**
 * Sets variables in a `.env`, whose other lines stay as they are. The file is whole at any moment, and
 * only its owner can read it.
 *
 * @returns Names that were set.
 * @throws GatewayError `invalid_request` for a value that no such file can hold, `forbidden` when
 *   something else than a file is in its place.
 */
export function setVariables(
  file: string,
  variables: ReadonlyMap<string, Secret>,
): Promise<readonly string[]> {
  return change(file, (known) => {
    const changed = [...variables].filter(([name, value]) => known.get(name) !== value.reveal());
    return { names: new Set(changed.map(([name]) => name)), added: new Map(changed) };
  });
}

/**
 * Takes variables out of a `.env`, whose other lines stay as they are.
 *
 * @returns Names that were there.
 * @throws GatewayError as `setVariables`.
 */
export function removeVariables(
  file: string,
  names: ReadonlySet<string>,
): Promise<readonly string[]> {
  return change(file, (known) => ({
    names: new Set([...names].filter((name) => known.has(name))),
    added: new Map(),
  }));
}

type Values = ReadonlyMap<string, string | undefined>;

interface Work {
  /** What is set of these goes. */
  readonly names: ReadonlySet<string>;
  /** What comes in its place. */
  readonly added: ReadonlyMap<string, Secret>;
}

async function change(file: string, work: (known: Values) => Work): Promise<readonly string[]> {
  if (await isForeign(file)) {
    throw new GatewayError("forbidden", `${file} is a link or no file: set the variables yourself`);
  }
  return underLock(`${file}.lock`, async () => {
    const before = await textOf(file);
    const known = new Map(Object.entries(parseEnv(before)));
    const { names, added } = work(known);
    if (names.size === 0) return [];
    const text = withLines(before, names, added);
    const kept = [...known].filter(([name]) => !names.has(name));
    const wanted = new Map([
      ...kept,
      ...[...added].map(([name, one]) => [name, one.reveal()] as const),
    ]);
    // Read as it will be read: nothing may be lost, left over or come into being.
    if (!isSame(new Map(Object.entries(parseEnv(text))), wanted)) {
      throw new GatewayError("invalid_request", `${file} has lines that are not understood`);
    }
    await replaceFile(file, text);
    return [...names];
  });
}

function isSame(one: Values, other: Values): boolean {
  return one.size === other.size && [...one].every(([name, value]) => other.get(name) === value);
}

function lineFor(name: string, value: Secret): string {
  const line = envLine(name, value.reveal());
  if (line !== undefined) return line;
  throw new GatewayError("invalid_request", `${name} has a value that no .env can hold`);
}

/** What sets one of `names` goes, with all its lines; what is added stands at the end. */
function withLines(text: string, names: Work["names"], added: Work["added"]): string {
  const kept = statementsOf(text).filter((statement) => {
    const name = /^\s*(?:export\s+)?(?<name>[A-Za-z_]\w*)\s*=/.exec(statement)?.groups?.["name"];
    return name === undefined || !names.has(name);
  });
  while (kept.at(-1) === "") kept.pop();
  const lines = [...added].map(([name, value]) => lineFor(name, value));
  return `${[...kept, ...lines].join("\n")}\n`;
}

/** Each is a line, or as many as a value between quotes has. */
function statementsOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  const found: string[] = [];
  for (let at = 0; at < lines.length;) {
    const end = endOf(lines, at);
    found.push(lines.slice(at, end).join("\n"));
    at = end;
  }
  return found;
}

/** Behind the last line of what begins at this one. A quote that nobody closes opens nothing. */
function endOf(lines: readonly string[], at: number): number {
  const { mark, rest = "" } = OPENED.exec(lines[at] ?? "")?.groups ?? {};
  if (mark === undefined || rest.includes(mark)) return at + 1;
  const last = lines.findIndex((line, index) => index > at && line.includes(mark));
  return last === -1 ? at + 1 : last + 1;
}

/** @throws GatewayError forbidden */
async function textOf(file: string): Promise<string> {
  const read = await readSmallFile(file);
  if (read.ok) return read.value ?? "";
  throw new GatewayError("forbidden", `${file} cannot be read`);
}
