/** Skills: where they are looked for, which are on, and how much of them a model is told. */
import * as z from "zod";
import { SecretText } from "../fields.ts";

const MAX_ENTRIES = 1_000;

/** What `name` in a SKILL.md may be, and what lists of skills name. */
export const SkillNames = z.array(z.string().min(1).max(128)).max(MAX_ENTRIES);

const Folder = z.string().min(1).max(4_096);

const Entry = z.strictObject({
  enabled: z.boolean().optional(),
  /** Stands for the variable that the skill calls its `primaryEnv`. */
  apiKey: SecretText.optional(),
  /** Only the names are kept: nothing of this version runs programs, which would get the values. */
  env: z
    .record(z.string().min(1).max(256), z.string().max(32_768))
    .transform((env) => Object.keys(env))
    .default([]),
  /** The skill's own affair. */
  config: z.record(z.string(), z.unknown()).optional(),
});

/** Of the listing in the prompt and of the search for it. */
const Limits = z.strictObject({
  /** Folders looked at below one place. */
  maxCandidatesPerRoot: z.int().min(1).max(10_000).default(300),
  maxSkillsLoadedPerSource: z.int().min(1).max(2_000).default(200),
  maxSkillsInPrompt: z.int().min(0).max(2_000).default(150),
  maxSkillsPromptChars: z.int().min(0).max(200_000).default(18_000),
  /** A longer SKILL.md is none. */
  maxSkillFileBytes: z
    .int()
    .min(1)
    .max(4 * 1024 * 1024)
    .default(256_000),
});

export const Skills = z.strictObject({
  /** Of those that come with the program; this one brings none. */
  allowBundled: SkillNames.optional(),
  load: z
    .strictObject({
      /** Looked at last. */
      extraDirs: z.array(Folder).max(64).default([]),
      /** Where links out of the workspace and of `extraDirs` may lead. */
      allowSymlinkTargets: z.array(Folder).max(64).default([]),
      /** Every turn looks for changes, watched or not. */
      watch: z.boolean().optional(),
    })
    .prefault({}),
  limits: Limits.prefault({}),
  entries: z
    .record(z.string().min(1).max(128), Entry)
    .refine((entries) => Object.keys(entries).length <= MAX_ENTRIES, {
      error: `must have at most ${MAX_ENTRIES} entries`,
    })
    .default({}),
});
export type Skills = z.output<typeof Skills>;
