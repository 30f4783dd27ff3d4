import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { Scheduler } from "../../cron/scheduler.ts";
import type { SystemEvents } from "../../cron/system-events.ts";
import { agentIdOf } from "../../store/session-key.ts";
import type { NamedMethod } from "../method.ts";

const Wake = z.looseObject({
  mode: z.enum(["now", "next-heartbeat"]),
  text: z.string().trim().min(1).max(4_096),
  sessionKey: z.string().min(1).max(256).optional(),
  agentId: z.string().min(1).max(64).optional(),
});
const SetHeartbeats = z.strictObject({ enabled: z.boolean() });
const Nothing = z.strictObject({});

export interface HeartbeatMethodParts {
  readonly scheduler: () => Promise<Scheduler>;
  readonly events: SystemEvents;
  /** Ids of agents, the default one first. */
  readonly agents: () => readonly string[];
  /** A name that nothing else has. */
  readonly newId: () => string;
}

/** `wake`, `last-heartbeat`, `set-heartbeats`: turns that nobody in a conversation asks for. */
export function heartbeatMethods(parts: HeartbeatMethodParts): readonly NamedMethod[] {
  return [
    ["wake", { scope: "operator.write", call: (params) => wake(parts, params) }],
    [
      "last-heartbeat",
      {
        scope: "operator.read",
        async call(params) {
          Nothing.parse(params);
          return (await parts.scheduler()).heartbeats.last();
        },
      },
    ],
    [
      "set-heartbeats",
      {
        scope: "operator.admin",
        async call(params) {
          const { enabled } = SetHeartbeats.parse(params);
          await (await parts.scheduler()).setHeartbeats(enabled);
          return { ok: true, enabled };
        },
      },
    ],
  ];
}

async function wake(parts: HeartbeatMethodParts, params: unknown): Promise<object> {
  const { mode, text, sessionKey: given, agentId: asked } = Wake.parse(params);
  const known = parts.agents();
  const agentId = asked ?? (given?.startsWith("agent:") === true ? agentIdOf(given) : known[0]);
  if (agentId === undefined || !known.includes(agentId)) {
    throw new GatewayError("invalid_request", `Unknown agent '${agentId ?? ""}'.`);
  }
  const sessionKey = sessionOf(given, agentId);
  await parts.events.enqueue(sessionKey, text, parts.newId());
  if (mode === "now") (await parts.scheduler()).wakeAgent(agentId, sessionKey);
  return { ok: true };
}

function sessionOf(key: string | undefined, agentId: string): string {
  if (key === undefined) return `agent:${agentId}:main`;
  return key.startsWith("agent:") ? key : `agent:${agentId}:${key}`;
}
