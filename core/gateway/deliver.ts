import * as z from "zod";
import { fromUtf8 } from "../../shared/bytes.ts";
import { GatewayError } from "../../shared/errors.ts";
import type { Channel } from "../channels/channel.ts";
import type { Engine } from "../conversation/engine.ts";
import type { HookInput } from "../conversation/hook.ts";
import { parseJson } from "../http/read-json.ts";
import type { Delivery } from "../tunnel/handlers.ts";
import { HOOK_ROUTES, type HookRoute } from "./edge-bundle.ts";

const Target = {
  deliver: z.boolean().optional(),
  channel: z.string().max(64).optional(),
  to: z.string().max(256).optional(),
};

/** Body of `/hooks/agent`. Open: callers send settings of agents that we do not have. */
const AgentHook = z.object({
  ...Target,
  message: z.string().trim().min(1),
  name: z.string().trim().min(1).max(128).optional(),
  agentId: z.enum(["main"], { error: "names no agent of this gateway" }).optional(),
  // Whoever may choose a session could write into the owner's.
  sessionKey: z.undefined({ error: "cannot be chosen by a webhook" }).optional(),
});

/** Body of `/hooks/wake`. */
const WakeHook = z.object({ ...Target, text: z.string().trim().min(1) });

/** What a webhook consists of once its sender is known. */
export type WebhookPost = Pick<Delivery, "id" | "route" | "lane" | "body">;

/**
 * Commits a webhook to the inbox.
 *
 * @param channel - The channel of that route, if there is one.
 * @returns True when it was new.
 * @throws GatewayError not_found for a route nobody serves, invalid_request for a body nobody
 *   understands: neither will be accepted later. `overloaded` when the inbox is full.
 */
export async function takeIn(
  { id, route, lane, body }: WebhookPost,
  channel: Pick<Channel, "id" | "read"> | undefined,
  engine: Pick<Engine, "accept" | "acceptHook">,
): Promise<boolean> {
  if (isHookRoute(route)) {
    const payload = hookPayload(route, parseJson(fromUtf8(body)));
    return engine.acceptHook({ id: `${route}:${id}`, lane, payload });
  }
  if (channel === undefined) throw new GatewayError("not_found", "No webhook of this name");
  return (await engine.accept(channel.id, channel.read(body))) > 0;
}

function hookPayload(route: HookRoute, body: unknown): HookInput {
  if (route === "wake") return { kind: "wake", ...parse(WakeHook, body) };
  const { agentId: _ours, sessionKey: _none, ...rest } = parse(AgentHook, body);
  return { kind: "agent", ...rest };
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const param = z.core.toDotPath(issue?.path ?? []);
  throw new GatewayError(
    "invalid_request",
    `\`${param || "body"}\`: ${issue?.message ?? "invalid"}`,
    {
      param: param || undefined,
    },
  );
}

function isHookRoute(route: string): route is HookRoute {
  return HOOK_ROUTES.some((name) => name === route);
}
