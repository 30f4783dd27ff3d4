/** Agents: who answers, with which model, from which folder. */
import * as z from "zod";
import { Heartbeat } from "./heartbeat.ts";
import { SkillNames } from "./skills.ts";
import { ToolPolicy } from "./tools.ts";

/** Agents one gateway may have: each is a folder and a few lines in every list. */
const MAX_AGENTS = 64;
const MAX_BINDINGS = 1_000;

/** `provider/model`; what may be in the two parts, the models know. */
const ModelRef = z
  .string()
  .regex(/^[^/\s]+\/\S+$/, 'must be written "provider/model"')
  .max(256);

/** One model, or one and those that stand in for it. */
export const ModelChoice = z.preprocess(
  (value) => (typeof value === "string" ? { primary: value } : value),
  z.strictObject({ primary: ModelRef, fallbacks: z.array(ModelRef).max(16).default([]) }),
);
export type ModelChoice = z.output<typeof ModelChoice>;

/** As it stands in session keys and folder names. */
export const AgentId = z
  .string()
  .regex(
    /^[A-Za-z0-9][\w-]{0,63}$/,
    "is no name for an agent: letters, digits, dashes and underscores",
  )
  .transform((id) => id.toLowerCase());

/** How an agent shows itself. */
export const Identity = z.strictObject({
  name: z.string().max(128).optional(),
  emoji: z.string().max(64).optional(),
  /** An address, a data URL, or a file of the workspace. */
  avatar: z.string().max(300_000).optional(),
  theme: z.string().max(256).optional(),
});
export type Identity = z.output<typeof Identity>;

const Workspace = z.string().min(1).max(4_096);
const SystemPrompt = z.string().max(100_000);

/** Characters of one file of the workspace that the model is told. */
const FileChars = z.int().min(1).max(1_000_000);
/** Of all of them together. */
const AllChars = z.int().min(1).max(4_000_000);

/** As people write them: what a model does with one it does not know, the models know. */
const ThinkingLevel = z.enum(
  ["off", "minimal", "low", "medium", "high", "xhigh", "adaptive", "max", "ultra"],
  { error: 'must be "off", "minimal", "low", "medium", "high", "xhigh", "adaptive" or "max"' },
);

/** What holds for a session that chooses nothing. */
const Wishes = {
  thinkingDefault: ThinkingLevel.optional(),
  /** True: the provider's faster service, where it has one. `auto`: not. */
  fastModeDefault: z.union([z.boolean(), z.literal("auto")]).optional(),
  /** Whether what a model thinks is told: `stream` to clients while it does, `on` with the answer. */
  reasoningDefault: z.enum(["off", "on", "stream"]).optional(),
};

const AgentEntry = z.strictObject({
  ...Wishes,
  default: z.boolean().optional(),
  name: z.string().max(128).optional(),
  model: ModelChoice.optional(),
  workspace: Workspace.optional(),
  identity: Identity.optional(),
  tools: ToolPolicy.optional(),
  systemPromptOverride: SystemPrompt.optional(),
  /** In place of what the defaults have; with it, only agents that have their own have any. */
  heartbeat: Heartbeat.optional(),
  /** In place of what the defaults have; empty: none. */
  skills: SkillNames.optional(),
  skillsLimits: z
    .strictObject({ maxSkillsPromptChars: z.int().min(0).max(200_000).optional() })
    .optional(),
  bootstrapMaxChars: FileChars.optional(),
  bootstrapTotalMaxChars: AllChars.optional(),
});

export const AgentDefaults = z.strictObject({
  ...Wishes,
  /** Left out: the provider there is a key for, or else the demo. */
  model: ModelChoice.optional(),
  /** By `provider/model`: short names for it, and what is asked of it. */
  models: z
    .record(
      z.string().min(1).max(256),
      z.looseObject({
        alias: z.string().min(1).max(64).optional(),
        params: z
          .looseObject({
            thinking: z.union([z.literal(false), z.string().max(32)]).optional(),
            fastMode: z.union([z.boolean(), z.literal("auto")]).optional(),
          })
          .optional(),
      }),
    )
    .default({}),
  /** What the model is told in place of the files of the workspace. */
  systemPromptOverride: SystemPrompt.optional(),
  workspace: Workspace.optional(),
  heartbeat: Heartbeat.optional(),
  /** The embedding model for whoever asks for one by an agent's name; both, or none is set up. */
  memorySearch: z
    .strictObject({
      provider: z.string().min(1).max(64).optional(),
      model: z.string().min(1).max(200).optional(),
    })
    .optional(),
  bootstrapMaxChars: FileChars.default(20_000),
  bootstrapTotalMaxChars: AllChars.default(60_000),
  /** Names of the skills that agents have; left out: all. */
  skills: SkillNames.optional(),
});

export const Agents = z.strictObject({
  defaults: AgentDefaults.prefault({}),
  /** Written by versions before 2026.9. */
  list: z
    .array(AgentEntry.extend({ id: AgentId }))
    .max(MAX_AGENTS)
    .default([]),
  entries: z
    .record(AgentId, AgentEntry)
    .refine((entries) => Object.keys(entries).length <= MAX_AGENTS, {
      error: `must have at most ${MAX_AGENTS} entries`,
    })
    .default({}),
});

const Peer = z.strictObject({
  kind: z.enum(["direct", "dm", "group", "channel", "thread"]),
  id: z.string().min(1).max(256),
});

/** Which agent answers where. */
export const Bindings = z
  .array(
    z.strictObject({
      agentId: AgentId,
      match: z.strictObject({
        channel: z.string().min(1).max(64),
        /** Left out: the account without a name; `*`: all. */
        accountId: z.string().min(1).max(128).optional(),
        peer: Peer.optional(),
        /** Of platforms with servers: no platform of this version has them, so these never match. */
        guildId: z.string().max(128).optional(),
        teamId: z.string().max(128).optional(),
        roles: z.array(z.string().max(128)).max(256).optional(),
      }),
      comment: z.string().max(1_000).optional(),
      /** Those for other things than routes match nothing here. */
      type: z.enum(["route", "acp"]).default("route"),
    }),
  )
  .max(MAX_BINDINGS)
  .default([]);
export type Binding = z.output<typeof Bindings>[number];
