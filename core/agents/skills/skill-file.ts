/** Reads the head of a SKILL.md. Pure. */
import JSON5 from "json5";
import * as z from "zod";

/** What must be there before a skill is of use. */
export interface SkillRequirements {
  readonly bins: readonly string[];
  /** One of these is enough. */
  readonly anyBins: readonly string[];
  readonly env: readonly string[];
  readonly config: readonly string[];
  readonly os: readonly string[];
}

export interface SkillHead {
  readonly name: string;
  readonly description: string;
  readonly emoji: string | undefined;
  readonly homepage: string | undefined;
  readonly primaryEnv: string | undefined;
  readonly always: boolean;
  readonly requirements: SkillRequirements;
}

const Words = z.array(z.string().min(1).max(128)).max(64).catch([]);
const Text = z.string().max(512).optional().catch(undefined);
const Facts = z.object({
  emoji: Text,
  homepage: Text,
  primaryEnv: Text,
  always: z.boolean().catch(false),
  os: Words,
  requires: z
    .object({ bins: Words, anyBins: Words, env: Words, config: Words })
    .catch({ bins: [], anyBins: [], env: [], config: [] }),
});

const MAX_DESCRIPTION_UNITS = 1_024;
const HEAD = /^\ufeff?---\r?\n(?<head>[\s\S]*?)\r?\n---(?:\r?\n|$)/;
const KEY = /^(?<key>[A-Za-z][\w-]*):\s*(?<value>.*)$/;

/**
 * @param folder - What the skill is called when its file does not say.
 * @returns Undefined when there is no head: then it is no skill.
 */
export function readSkillHead(text: string, folder: string): SkillHead | undefined {
  const { head } = HEAD.exec(text)?.groups ?? {};
  if (head === undefined) return undefined;
  const fields = fieldsOf(head);
  const facts = Facts.parse(metadataOf(fields.get("metadata")));
  const { requires, os, emoji, primaryEnv, homepage, always } = facts;
  return {
    name: fields.get("name") || folder,
    description: (fields.get("description") ?? "").slice(0, MAX_DESCRIPTION_UNITS),
    emoji,
    primaryEnv,
    always,
    homepage: homepage ?? fields.get("homepage"),
    requirements: { ...requires, os },
  };
}

/** The part of YAML that these files use: a key a line, with what is indented below it. */
function fieldsOf(head: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  let last = "";
  for (const line of head.split(/\r?\n/)) {
    const { key, value = "" } = KEY.exec(line)?.groups ?? {};
    if (key !== undefined) {
      last = key;
      fields.set(key, unquoted(/^[|>][+-]?$/.test(value.trim()) ? "" : value.trim()));
    } else if (/^\s+\S/.test(line) && last !== "") {
      fields.set(last, `${fields.get(last) ?? ""} ${line.trim()}`.trim());
    }
  }
  return fields;
}

function unquoted(value: string): string {
  return /^(?<quote>["']).*\k<quote>$/.test(value) ? value.slice(1, -1) : value;
}

/** By the name of whichever program the skill was written for. */
function metadataOf(text: string | undefined): unknown {
  let parsed: unknown;
  try {
    parsed = text === undefined ? {} : JSON5.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    parsed = {};
  }
  const named = z
    .object({ openclaw: z.unknown(), clawdbot: z.unknown() })
    .partial()
    .safeParse(parsed);
  const facts = named.success ? (named.data.openclaw ?? named.data.clawdbot) : undefined;
  return typeof facts === "object" && facts !== null ? facts : {};
}
