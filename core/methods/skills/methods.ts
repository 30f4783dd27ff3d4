/** `skills.*`: what an agent can be taught, what is missing for it, and switching it on and off. */
import { join } from "node:path";
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import { entryOf as configOf, type FoundSkill } from "../../agents/skills/eligible.ts";
import { isUsable } from "../../agents/skills/shelf.ts";
import { REDACTED } from "../../config/file/redact.ts";
import { agentIdOf } from "../../store/session-key.ts";
import { profileOf } from "../agents/list.ts";
import type { AgentMethodParts, ConfigTree } from "../agents/parts.ts";
import type { NamedMethod } from "../method.ts";

const Status = z.strictObject({
  agentId: z.string().min(1).max(64).optional(),
  sessionKey: z.string().min(1).max(512).optional(),
});

/** Of the environment: what can be one. */
const Variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "is no name for a variable");
const Update = z.strictObject({
  skillKey: z.string().trim().min(1).max(128),
  enabled: z.boolean().optional(),
  /** Empty: none any more. */
  apiKey: z.string().trim().max(4_096).optional(),
  /** An empty value takes the variable out. */
  env: z.record(Variable, z.string().trim().max(32_768)).optional(),
});

type SkillParts = Pick<AgentMethodParts, "directory" | "settings" | "configFile">;

export function skillMethods(parts: SkillParts): readonly NamedMethod[] {
  return [
    [
      "skills.status",
      { scope: "operator.read", call: (params) => status(parts, Status.parse(params)) },
    ],
    [
      "skills.update",
      { scope: "operator.admin", call: (params) => update(parts, Update.parse(params)) },
    ],
  ];
}

async function status(
  { directory, settings }: SkillParts,
  { agentId, sessionKey }: z.output<typeof Status>,
): Promise<object> {
  const owner = sessionKey?.startsWith("agent:") === true ? agentIdOf(sessionKey) : undefined;
  const { id, workspace } = profileOf({ directory }, agentId ?? owner);
  const skills = await directory.skillsOf(id);
  return {
    agentId: id,
    workspaceDir: workspace,
    managedSkillsDir: join(settings().stateDir, "skills"),
    skills: skills.map(entryOf),
  };
}

const SOURCES = {
  workspace: "openclaw-workspace",
  project: "agents-skills-project",
  personal: "agents-skills-personal",
  managed: "openclaw-managed",
  extra: "openclaw-extra",
} as const satisfies Readonly<Record<FoundSkill["source"], string>>;

function entryOf(skill: FoundSkill): object {
  const { key, name, description, source, folder, emoji, homepage, primaryEnv } = skill;
  const { always, eligible, requirements, missing, disabled, hidden } = skill;
  return {
    name,
    description,
    source: SOURCES[source],
    bundled: false,
    filePath: join(folder, "SKILL.md"),
    baseDir: folder,
    skillKey: key,
    ...(primaryEnv === undefined ? {} : { primaryEnv }),
    ...(emoji === undefined ? {} : { emoji }),
    ...(homepage === undefined ? {} : { homepage }),
    always,
    disabled,
    // A list for skills that come with the program, which none does.
    blockedByAllowlist: false,
    blockedByAgentFilter: hidden,
    eligible,
    modelVisible: isUsable(skill) && skill.forModels,
    userInvocable: skill.forPeople,
    commandVisible: false,
    requirements,
    missing,
    configChecks: requirements.config.map((path) => ({
      path,
      satisfied: !missing.config.includes(path),
    })),
    install: [],
  };
}

/** Written to the config file. What is said of the skill there stays, but for what is given. */
async function update(
  { configFile, settings }: SkillParts,
  { skillKey, enabled, apiKey, env = {} }: z.output<typeof Update>,
): Promise<object> {
  // Paths of settings are told apart by dots: a key with one could not be kept a secret.
  if (skillKey.includes(".") || Object.hasOwn(Object.prototype, skillKey)) {
    throw new GatewayError("invalid_request", "skillKey must have no dot in it", {
      param: "skillKey",
    });
  }
  const variables = Object.entries(env).map(([name, value]) => [name, value || null] as const);
  const change: ConfigTree = {
    ...(enabled === undefined ? {} : { enabled }),
    ...(apiKey === undefined ? {} : { apiKey: apiKey || null }),
    ...(variables.length === 0 ? {} : { env: Object.fromEntries(variables) }),
  };
  if (Object.keys(change).length > 0) {
    await configFile.patch({ skills: { entries: { [skillKey]: change } } });
  }
  return { ok: true, skillKey, config: covered(configOf({ key: skillKey }, settings())) };
}

/** What the config says of a skill now; nobody reads its secrets again. */
function covered(entry: ReturnType<typeof configOf>): object {
  if (entry === undefined) return {};
  const { enabled, apiKey, env } = entry;
  return {
    ...(enabled === undefined ? {} : { enabled }),
    ...(apiKey === undefined ? {} : { apiKey: REDACTED }),
    env: Object.fromEntries(env.map((name) => [name, REDACTED])),
  };
}
