/** Reads the head of a SKILL.md. Pure. */
import JSON5 from "json5";
import * as z from "zod";
import { headFields } from "./head-fields.ts";

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
  /** What it is called in the config; as a rule its name. */
  readonly key: string;
  readonly description: string;
  readonly emoji: string | undefined;
  readonly homepage: string | undefined;
  readonly primaryEnv: string | undefined;
  /** True: wanted whatever of its requirements is missing, but for the system. */
  readonly always: boolean;
  /** False: kept from the model, which would choose it by itself. */
  readonly forModels: boolean;
  /** False: people do not call it as a command. */
  readonly forPeople: boolean;
  readonly requirements: SkillRequirements;
}

const Word = z.string().trim().min(1).max(128);
const Words = z
  .preprocess((value) => (typeof value === "string" ? [value] : value), z.array(Word).max(64))
  .catch([]);
const Text = z.string().max(512).optional().catch(undefined);
const Facts = z.object({
  emoji: Text,
  homepage: Text,
  primaryEnv: Text,
  skillKey: Word.optional().catch(undefined),
  always: z.boolean().catch(false),
  os: Words,
  requires: z
    .object({ bins: Words, anyBins: Words, env: Words, config: Words })
    .catch({ bins: [], anyBins: [], env: [], config: [] }),
});

const MAX_NAME_UNITS = 128;
const MAX_DESCRIPTION_UNITS = 1_024;
const HEAD = /^\ufeff?---[ \t]*\r?\n(?<head>[\s\S]*?)(?:\r?\n)?---[ \t]*(?:\r?\n|$)/;

/**
 * @param folder - What the skill is called when its file does not say.
 * @returns Undefined when there is no head: then it is no skill.
 */
export function readSkillHead(text: string, folder: string): SkillHead | undefined {
  const { head } = HEAD.exec(text)?.groups ?? {};
  if (head === undefined) return undefined;
  const fields = headFields(head);
  const facts = Facts.parse(metadataOf(fields.get("metadata")));
  const { requires, os, emoji, primaryEnv, homepage, always, skillKey } = facts;
  const name = lineOf(fields.get("name"), MAX_NAME_UNITS) || lineOf(folder, MAX_NAME_UNITS);
  return {
    name,
    key: skillKey ?? name,
    description: lineOf(fields.get("description"), MAX_DESCRIPTION_UNITS),
    emoji,
    primaryEnv,
    always,
    forModels: !isYes(fields.get("disable-model-invocation")),
    forPeople: !isNo(fields.get("user-invocable")),
    homepage: homepage ?? (lineOf(fields.get("homepage"), 512) || undefined),
    requirements: { ...requires, os },
  };
}

/** One line of text, without what steers terminals or hides from readers. */
function lineOf(value: unknown, maxUnits: number): string {
  if (typeof value !== "string") return "";
  const line = value.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
  return line.slice(0, maxUnits).replace(/[\ud800-\udbff]$/, "");
}

function isYes(value: unknown): boolean {
  return value === true || (typeof value === "string" && /^(?:true|yes|on)$/i.test(value));
}

function isNo(value: unknown): boolean {
  return value === false || (typeof value === "string" && /^(?:false|no|off)$/i.test(value));
}

/** By the name of whichever program the skill was written for. */
function metadataOf(given: unknown): object {
  const parsed = typeof given === "string" ? jsonOf(given) : given;
  const named = z
    .object({ openclaw: z.unknown(), clawdbot: z.unknown() })
    .partial()
    .safeParse(parsed);
  const facts = named.success ? (named.data.openclaw ?? named.data.clawdbot) : undefined;
  return typeof facts === "object" && facts !== null ? facts : {};
}

function jsonOf(text: string): unknown {
  try {
    return JSON5.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return {};
  }
}
