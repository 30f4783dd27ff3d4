import { parseEnv } from "node:util";
import { GatewayError } from "../../../shared/errors.ts";
import type { Secret } from "../../../shared/secret.ts";
import { readSmallFile } from "../file/files.ts";
import { underLock } from "./lock.ts";
import { isForeign, replaceFile } from "./replace.ts";

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** What means itself without quotes. */
const PLAIN = /^[\w.:/+=@%,~-]*$/;
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
export async function setVariables(
  file: string,
  variables: ReadonlyMap<string, Secret>,
): Promise<readonly string[]> {
  if (await isForeign(file)) {
    throw new GatewayError("forbidden", `${file} is a link or no file: set the variables yourself`);
  }
  return underLock(`${file}.lock`, async () => {
    const before = await textOf(file);
    const known = parseEnv(before);
    const changed = [...variables].filter(([name, value]) => known[name] !== value.reveal());
    if (changed.length === 0) return [];
    const names = new Set(changed.map(([name]) => name));
    const added = changed.map(([name, value]) => lineFor(name, value));
    const text = withLines(before, names, added);
    const read = parseEnv(text);
    const isLost = Object.entries(known).some(
      ([name, value]) => !names.has(name) && read[name] !== value,
    );
    if (isLost) {
      throw new GatewayError("invalid_request", `${file} has lines that are not understood`);
    }
    await replaceFile(file, text);
    return [...names];
  });
}

function lineFor(name: string, value: Secret): string {
  const line = envLine(name, value.reveal());
  if (line !== undefined) return line;
  throw new GatewayError("invalid_request", `${name} has a value that no .env can hold`);
}

/** Lines that set one of `names` anew go; what is added stands at the end. */
function withLines(text: string, names: ReadonlySet<string>, added: readonly string[]): string {
  const kept = text.split(/\r?\n/).filter((line) => {
    const name = /^\s*(?:export\s+)?(?<name>[A-Za-z_]\w*)\s*=/.exec(line)?.groups?.["name"];
    return name === undefined || !names.has(name);
  });
  while (kept.at(-1) === "") kept.pop();
  return `${[...kept, ...added].join("\n")}\n`;
}

/** @throws GatewayError forbidden */
async function textOf(file: string): Promise<string> {
  const read = await readSmallFile(file);
  if (read.ok) return read.value ?? "";
  throw new GatewayError("forbidden", `${file} cannot be read`);
}
