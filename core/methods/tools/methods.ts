/** `tools.*`: what agents can do, and doing it without one. */
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { Tool } from "../../agents/tool.ts";
import type { ToolInvoker } from "../../agents/tools/invoke.ts";
import { agentIdOf } from "../../store/session-key.ts";
import { profileOf } from "../agents/list.ts";
import type { AgentMethodParts } from "../agents/parts.ts";
import type { CallContext, NamedMethod } from "../method.ts";

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

const PROFILES = [
  { id: "minimal", label: "Minimal" },
  { id: "coding", label: "Coding" },
  { id: "messaging", label: "Messaging" },
  { id: "full", label: "Full" },
] as const;

export interface ToolMethodParts extends Pick<AgentMethodParts, "directory"> {
  readonly tools: readonly Tool[];
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
          const tools = parts.tools.map((tool) => ({
            ...described(tool),
            // A tool of this version is in every profile: none of them touches the machine.
            defaultProfiles: PROFILES.map((profile) => profile.id),
          }));
          const groups = tools.length === 0 ? [] : [{ ...CORE, tools }];
          return { agentId: id, profiles: PROFILES, groups };
        },
      },
    ],
    [
      "tools.effective",
      {
        scope: "operator.read",
        call(params) {
          const { agentId, sessionKey } = Effective.parse(params);
          const { id, toolNames } = profileOf(parts, agentId ?? ownerOf(sessionKey));
          const tools = parts.tools
            .filter(({ spec }) => toolNames.includes(spec.name))
            .map((tool) => ({ ...described(tool), rawDescription: tool.spec.description }));
          const groups = tools.length === 0 ? [] : [{ ...CORE, tools }];
          return { agentId: id, profile: "full", groups };
        },
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

function described({ spec }: Tool): {
  id: string;
  label: string;
  description: string;
  source: "core";
} {
  const { name, description } = spec;
  return { id: name, label: name.replaceAll("_", " "), description, source: "core" };
}

/** Refusals are answers here, as the protocol has them: a result that says what was wrong. */
async function invoke(
  { invoker }: ToolMethodParts,
  { name, args, agentId, sessionKey, idempotencyKey }: z.output<typeof Invoke>,
  { client, signal }: CallContext,
): Promise<object> {
  try {
    const order = { name, args, agentId, sessionKey, idempotencyKey, caller: client.deviceId };
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
