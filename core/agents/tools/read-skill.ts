/** Reads what a skill says: files of skills that the agent is told of, and no others. */
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import * as z from "zod";
import type { FoundSkill } from "../skills/eligible.ts";
import type { AgentTool, ToolCaller } from "../tool.ts";
import { readWorkspaceFile } from "../workspace/files.ts";
import { parametersOf } from "./parameters.ts";

/** Of one file. Longer ones are data, which a program should look through. */
const MAX_FILE_BYTES = 1024 * 1024;
/** Of one answer: 12 k tokens. The rest is there for whoever asks for it. */
const MAX_CHARS = 48_000;

const Input = z.strictObject({
  path: z
    .string()
    .min(1)
    .max(4_096)
    .describe("The location of a skill, or the path of another file in its folder"),
  offset: z.int().min(1).max(1_000_000).default(1).describe("First line to read, counted from 1"),
  limit: z.int().min(1).max(100_000).optional().describe("Lines to read at most"),
});

export interface ReadParts {
  /** Those that the model is told of. */
  readonly skills: (caller: ToolCaller) => Promise<readonly FoundSkill[]>;
  /** Folder that `~` stands for. */
  readonly home: () => string;
}

/** By the name that skills call it by. */
export const READ_TOOL = "read";

export function createReadSkill(parts: ReadParts): AgentTool {
  return {
    spec: {
      name: READ_TOOL,
      description:
        "Reads a text file of a skill: its SKILL.md at the location the list of skills gives, or another file in the same folder. Nothing else can be read.",
      parameters: parametersOf(Input),
    },
    for: "anyone",

    async run(input, _signal, caller) {
      const parsed = Input.safeParse(input);
      if (!parsed.success) return `Bad input: ${z.prettifyError(parsed.error)}`;
      const { path, offset, limit } = parsed.data;
      const place = placeOf(path, await parts.skills(caller), parts.home());
      if (place === undefined) return NOT_OF_A_SKILL;
      const { skill, name } = place;
      const text = await readWorkspaceFile(skill.realFolder, name, MAX_FILE_BYTES);
      if (text === undefined) return `There is no file ${name} in the skill ${skill.name}.`;
      if (text.includes("\0")) return "That file is no text.";
      return excerpt(text.replaceAll("{baseDir}", skill.folder), offset, limit);
    },
  };
}

const NOT_OF_A_SKILL =
  "Only files of the listed skills can be read: give the location of one, or a file in its folder.";

/**
 * The skill a path belongs to, and the file in its folder. Judged by the words alone, before
 * anything is looked at: what lies elsewhere is neither read nor found out about. Undefined: none.
 */
export function placeOf(
  path: string,
  skills: readonly FoundSkill[],
  home: string,
): { readonly skill: FoundSkill; readonly name: string } | undefined {
  if (path.includes("\0")) return undefined;
  const wanted = path.replace(/^~(?=$|[/\\])/, home);
  if (!isAbsolute(wanted)) return undefined;
  for (const skill of skills) {
    const name = relative(skill.folder, resolve(wanted));
    // Neither upwards nor into what is hidden: there keys and histories are.
    const isInside = name !== "" && name.split(sep).every((part) => !part.startsWith("."));
    if (isInside) return { skill, name };
  }
  return undefined;
}

function excerpt(text: string, offset: number, limit: number | undefined): string {
  const lines = text.split("\n");
  if (offset > lines.length) return `The file has ${lines.length} lines.`;
  const wanted = lines.slice(offset - 1, limit === undefined ? undefined : offset - 1 + limit);
  const shown = wanted.join("\n");
  if (shown.length > MAX_CHARS) {
    const head = shown.slice(0, MAX_CHARS);
    const next = offset + Math.max(1, head.split("\n").length - 1);
    return `${head}\n\n[cut here: read on with offset ${next}]`;
  }
  const next = offset + wanted.length;
  return next > lines.length
    ? shown
    : `${shown}\n\n[${lines.length} lines: offset ${next} is next]`;
}

/** Where a skill is, as a model is told: with `~`, so that no folder names its owner. */
export function locationOf(skill: FoundSkill, home: string): string {
  const file = join(skill.folder, "SKILL.md");
  return file.startsWith(home + sep) ? `~${file.slice(home.length)}` : file;
}
