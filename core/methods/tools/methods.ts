/** `tools.*`: what agents can do, and doing it without one. */
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { Tool } from "../../agents/tool.ts";
import type { ToolInvoker } from "../../agents/tools/invoke.ts";
import { TOOL_PROFILES } from "../../agents/tool-groups.ts";
import { isAllowed } from "../../agents/tool-policy.ts";
import { agentIdOf, canonicalSessionKey } from "../../store/session-key.ts";
import { profileOf } from "../agents/list.ts";
import type { AgentMethodParts } from "../agents/parts.ts";
import { type CallContext, covers, type NamedMethod } from "../method.ts";

const AgentId = z.string().min(1).max(64).optional();
const SessionKey = z.string().min(1).max(512);
const Catalog = z.strictObject({ agentId: AgentId, includePlugins: z.boolean().optional() });
const Effective = z.strictObject({ agentId: AgentId, sessionKey: SessionKey });
const Invoke = z.strictObject({
  name: z.string().min(1).max(128),
  args: z.record(z.string(), z.unknown()).default({}),
  sessionKey: SessionKey.optional(),
  agentId: AgentId,
  confirm: z.boolean().optional(),
  idempotencyKey: z.string().min(1).max(256).optional(),
  conversationReadOrigin: z.literal("direct-operator").optional(),
});

export interface ToolMethodParts extends Pick<AgentMethodParts, "directory"> {
  readonly invoker: Pick<ToolInvoker, "invoke">;
}

export function toolMethods(parts: ToolMethodParts): readonly NamedMethod[] {
  return [
    [
      "tools.catalog",
      {
        scope: "operator.read",
        call(params) {
          const { id } = profileOf(parts, Catalog.parse(params).agentId);
          const tools = parts.directory.tools().map((tool) => ({
            ...described(tool),
            defaultProfiles: TOOL_PROFILES.filter((profile) =>
              isAllowed(tool.spec.name, [{ profile, deny: [] }]),
            ),
          }));
          const profiles = TOOL_PROFILES.map((profile) => ({
            id: profile,
            label: `${profile.slice(0, 1).toUpperCase()}${profile.slice(1)}`,
          }));
          const groups = tools.length === 0 ? [] : [{ ...CORE, tools }];
          return { agentId: id, profiles, groups };
        },
      },
    ],
    [
      "tools.effective",
      {
        scope: "operator.read",
        call: (params) => effective(parts, Effective.parse(params)),
      },
    ],
    [
      "tools.invoke",
      {
        scope: "operator.write",
        call: (params, context) => invoke(parts, Invoke.parse(params), context),
      },
    ],
  ];
}

const CORE = { id: "core", label: "Built-in", source: "core" } as const;

function described({ spec }: Pick<Tool, "spec">): {
  id: string;
  label: string;
  description: string;
  source: "core";
} {
  const { name, description } = spec;
  return { id: name, label: name.replaceAll("_", " "), description, source: "core" };
}

/** What an agent could use in a session whose owner asks. */
async function effective(
  { directory }: ToolMethodParts,
  { agentId, sessionKey: given }: z.output<typeof Effective>,
): Promise<object> {
  const { id } = profileOf({ directory }, agentId ?? ownerOf(given));
  const sessionKey = canonicalSessionKey(given, id);
  const usable = await directory.toolsFor(id, { sessionKey, asOwner: true });
  const tools = usable.map((tool) => {
    return { ...described(tool), rawDescription: tool.spec.description };
  });
  const groups = tools.length === 0 ? [] : [{ ...CORE, tools }];
  return { agentId: id, profile: directory.toolProfileOf(id), groups };
}

/** Refusals are answers here, as the protocol has them: a result that says what was wrong. */
async function invoke(
  { invoker }: ToolMethodParts,
  { name, args, agentId, sessionKey, idempotencyKey }: z.output<typeof Invoke>,
  { client, signal }: CallContext,
): Promise<object> {
  try {
    const asOwner = covers(client.scopes, "operator.admin");
    const call = { name, args, agentId, sessionKey, idempotencyKey };
    const order = { ...call, caller: client.deviceId, asOwner };
    const { ok, text } = await invoker.invoke(order, signal);
    if (!ok) return refused(name, "tool_error", text);
    return { ok, toolName: name, output: { content: [{ type: "text", text }] }, source: "core" };
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code === "canceled") throw error;
    return refused(name, error.code, error.message);
  }
}

function refused(toolName: string, code: string, message: string): object {
  return { ok: false, toolName, error: { code, message } };
}

/** Undefined for a session that is named without its agent: that is the default one's. */
function ownerOf(sessionKey: string): string | undefined {
  return sessionKey.startsWith("agent:") ? agentIdOf(sessionKey) : undefined;
}
