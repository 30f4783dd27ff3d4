/** From skills to what a model is told of them: names and where to read on. Pure. */

export interface ListedSkill {
  readonly name: string;
  readonly description: string;
  /** File to read. */
  readonly location: string;
}

const INTRODUCTION = `## Skills

Each skill below is a file of instructions for one kind of task. When a description fits what you are asked for, read the file at its location with the tool "read" before you answer, and follow it. Read none when none fits, and no more than one at a time. Paths in a skill are relative to its folder.`;

const SHORTENED =
  'This list was shortened to fit; "sallyport skills check" shows the people who run this all of it.';

/**
 * Empty when there is nothing to list. When it is too long, descriptions are shortened before skills
 * are left out: what has a name and a place can still be read.
 *
 * @param maxChars - Of all of it.
 */
export function skillsPrompt(skills: readonly ListedSkill[], maxChars: number): string {
  if (skills.length === 0) return "";
  const full = textOf(skills, undefined);
  if (full.length <= maxChars) return full;
  let kept = skills;
  while (kept.length > 0 && textOf(kept, 0).length > maxChars) kept = kept.slice(0, -1);
  if (kept.length === 0) return "";
  const room = maxChars - textOf(kept, 0).length;
  // Escaped, one character may be six; and each line of a description has its tags.
  const each = Math.floor((room / kept.length - DESCRIPTION_TAGS) / MAX_ESCAPED);
  return textOf(kept, Math.max(0, each));
}

const MAX_ESCAPED = 6;
const DESCRIPTION_TAGS = "    <description></description>\n".length;

/** @param maxUnits - Of a description; 0: none; undefined: all of it, and nothing was shortened. */
function textOf(skills: readonly ListedSkill[], maxUnits: number | undefined): string {
  const entries = skills.map(({ name, description, location }) => {
    const said = escaped(cut(description, maxUnits));
    return [
      "  <skill>",
      `    <name>${escaped(name)}</name>`,
      ...(said === "" ? [] : [`    <description>${said}</description>`]),
      `    <location>${escaped(location)}</location>`,
      "  </skill>",
    ].join("\n");
  });
  const note = maxUnits === undefined ? [] : [SHORTENED];
  const list = ["<available_skills>", ...entries, "</available_skills>"].join("\n");
  return [INTRODUCTION, list, ...note].join("\n\n");
}

function cut(text: string, maxUnits: number | undefined): string {
  if (maxUnits === undefined || text.length <= maxUnits) return text;
  if (maxUnits < 2) return "";
  return `${text.slice(0, maxUnits - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** What a skill says of itself ends no tag. */
function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&apos;");
}
