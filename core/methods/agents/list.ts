/** `agents.list`, `agent.identity.get`: who there is. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { AgentProfile } from "../../agents/directory.ts";
import { shownIdentity } from "../../agents/identity.ts";
import { readWorkspaceFile } from "../../agents/workspace/files.ts";
import { agentIdOf } from "../../store/session-key.ts";
import type { NamedMethod } from "../method.ts";
import type { AgentMethodParts } from "./parts.ts";

const List = z.strictObject({});
const Identity = z.strictObject({
  agentId: z.string().min(1).max(64).optional(),
  sessionKey: z.string().max(512).optional(),
});

const MAX_IDENTITY_BYTES = 64 * 1024;

export function listMethods(parts: AgentMethodParts): readonly NamedMethod[] {
  return [
    [
      "agents.list",
      {
        scope: "operator.read",
        async call(params) {
          List.parse(params);
          return listAgents(parts);
        },
      },
    ],
    [
      "agent.identity.get",
      {
        scope: "operator.read",
        call: (params) => identityOf(parts, Identity.parse(params)),
      },
    ],
  ];
}

async function listAgents({ directory, settings }: AgentMethodParts): Promise<object> {
  const agents = directory.list();
  return {
    defaultId: directory.defaultId(),
    ownership: agents.length === 1 ? "sole" : "legacy",
    selectionRequired: false,
    mainKey: "main",
    scope: settings().config.session.scope,
    agents: await Promise.all(agents.map((agent) => summaryOf(agent, directory))),
  };
}

async function summaryOf(
  agent: AgentProfile,
  directory: AgentMethodParts["directory"],
): Promise<object> {
  const [primary, ...fallbacks] = agent.modelRefs;
  const identity = filled(agent.identity);
  return {
    id: agent.id,
    kind: "agent",
    ...filled({ name: agent.name ?? agent.identity.name }),
    ...(Object.keys(identity).length > 0 ? { identity } : {}),
    workspace: agent.workspace,
    workspaceGit: await isThere(join(agent.workspace, ".git")),
    agentRuntime: {
      id: "auto",
      cloudPlacementSupported: false,
      devicePlacementSupported: false,
      source: "implicit",
    },
    ...directory.thinking(agent.id, primary),
    model: { primary, ...(fallbacks.length > 0 ? { fallbacks } : {}) },
  };
}

async function identityOf(
  { directory }: AgentMethodParts,
  { agentId, sessionKey }: z.output<typeof Identity>,
): Promise<object> {
  const named = sessionKey?.startsWith("agent:") === true ? agentIdOf(sessionKey) : undefined;
  if (agentId !== undefined && named !== undefined && agentId.toLowerCase() !== named) {
    throw new GatewayError("invalid_request", "agentId and sessionKey name different agents");
  }
  const agent = profileOf({ directory }, agentId ?? named);
  const file = await readWorkspaceFile(agent.workspace, "IDENTITY.md", MAX_IDENTITY_BYTES);
  const { name, nameSource, emoji, avatar, avatarStatus } = shownIdentity(agent, file);
  return { agentId: agent.id, name, nameSource, avatarStatus, ...filled({ emoji, avatar }) };
}

/** @throws GatewayError invalid_request for an agent that there is not. */
export function profileOf(
  { directory }: Pick<AgentMethodParts, "directory">,
  agentId: string | undefined,
): AgentProfile {
  const id = (agentId ?? directory.defaultId()).toLowerCase();
  const agent = directory.find(id);
  if (agent !== undefined) return agent;
  throw new GatewayError("invalid_request", `unknown agent id "${id.slice(0, 64)}"`);
}

/** Without what is empty or not there. */
function filled(given: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const entries = Object.entries(given).flatMap(([key, value]): [string, string][] =>
    value === undefined || value === "" ? [] : [[key, value]],
  );
  return Object.fromEntries(entries);
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
