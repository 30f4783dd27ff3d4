/** `skills.status`: what an agent could be taught, and what is missing for it. */
import { join } from "node:path";
import * as z from "zod";
import { findSkills, type FoundSkill } from "../../agents/skills/find-skills.ts";
import { agentIdOf } from "../../store/session-key.ts";
import { profileOf } from "../agents/list.ts";
import type { AgentMethodParts } from "../agents/parts.ts";
import type { NamedMethod } from "../method.ts";

const Status = z.strictObject({
  agentId: z.string().min(1).max(64).optional(),
  sessionKey: z.string().min(1).max(512).optional(),
});

export function skillMethods(parts: AgentMethodParts): readonly NamedMethod[] {
  return [
    [
      "skills.status",
      { scope: "operator.read", call: (params) => status(parts, Status.parse(params)) },
    ],
  ];
}

async function status(
  parts: AgentMethodParts,
  { agentId, sessionKey }: z.output<typeof Status>,
): Promise<object> {
  const owner = sessionKey?.startsWith("agent:") === true ? agentIdOf(sessionKey) : undefined;
  const { workspace } = profileOf(parts, agentId ?? owner);
  const { stateDir, surroundings, config } = parts.settings();
  const managed = join(stateDir, "skills");
  const skills = await findSkills(
    { workspace: join(workspace, "skills"), managed },
    {
      ...surroundings,
      platform: process.platform,
      isSet: (path) => isSet(config, path.split(".")),
    },
  );
  return { workspaceDir: workspace, managedSkillsDir: managed, skills: skills.map(entryOf) };
}

function entryOf(skill: FoundSkill): object {
  const { key, name, description, source, folder, emoji, homepage, primaryEnv } = skill;
  const { always, eligible, requirements, missing } = skill;
  return {
    name,
    description,
    source: `openclaw-${source}`,
    bundled: false,
    filePath: join(folder, "SKILL.md"),
    baseDir: folder,
    skillKey: key,
    ...(primaryEnv === undefined ? {} : { primaryEnv }),
    ...(emoji === undefined ? {} : { emoji }),
    ...(homepage === undefined ? {} : { homepage }),
    always,
    disabled: false,
    blockedByAllowlist: false,
    eligible,
    requirements,
    missing,
    configChecks: requirements.config.map((path) => ({
      path,
      satisfied: !missing.config.includes(path),
    })),
    install: [],
  };
}

function isSet(tree: unknown, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return tree !== undefined && tree !== false && tree !== null;
  return (
    typeof tree === "object" &&
    tree !== null &&
    Object.hasOwn(tree, key) &&
    isSet(Reflect.get(tree, key), rest)
  );
}
