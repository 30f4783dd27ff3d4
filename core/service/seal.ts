/** Which unit or plist is ours, and whether somebody has changed it since. Pure. */
import { createHash } from "node:crypto";
import { Definition } from "./definition.ts";

const SEAL = /^(?:# |<!-- )sealed by sallyport gateway install: (?<hash>[0-9a-f]{64})(?: -->)?$/;
const ORIGIN = /^(?:# |<!-- )written from (?<json>\{.*\})(?: -->)?$/m;

/** What stands where the service would. `edited`: it was ours. */
export type Standing =
  | { readonly is: "absent" }
  | { readonly is: "foreign" }
  | { readonly is: "ours" | "edited"; readonly definition: Definition };

/** How a comment looks in that kind of file. */
export type Comment = (text: string) => string;

/** A line from which the rest can be written again. No `-`: two of them end a comment in XML. */
export function originLine(definition: Definition, comment: Comment): string {
  const json = JSON.stringify(definition).replaceAll("-", String.raw`\u002d`);
  // XML wants neither of them in a comment; both mean the same in JSON.
  return comment(
    `written from ${json.replaceAll("<", String.raw`\u003c`).replaceAll(">", String.raw`\u003e`)}`,
  );
}

/** Puts the seal in place of the line `placeholder`. */
export function sealed(text: string, comment: Comment): string {
  const line = comment(`sealed by sallyport gateway install: ${hashOf(text)}`);
  const at = text.indexOf("\n") + 1;
  return `${text.slice(0, at)}${line}\n${text.slice(at)}`;
}

/** @param text - Of the file; undefined: there is none. */
export function standingOf(text: string | undefined): Standing {
  if (text === undefined) return { is: "absent" };
  const lines = text.split("\n");
  const at = lines.findIndex((line) => SEAL.test(line));
  const hash = SEAL.exec(lines[at] ?? "")?.groups?.["hash"];
  const definition = definitionIn(text);
  if (hash === undefined || definition === undefined) return { is: "foreign" };
  const rest = lines.toSpliced(at, 1).join("\n");
  return { is: hashOf(rest) === hash ? "ours" : "edited", definition };
}

function definitionIn(text: string): Definition | undefined {
  const json = ORIGIN.exec(text)?.groups?.["json"];
  if (json === undefined) return undefined;
  try {
    return Definition.safeParse(JSON.parse(json)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
