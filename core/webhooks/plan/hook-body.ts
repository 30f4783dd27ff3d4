/** Webhooks that say themselves what they want: `/hooks/agent` and `/hooks/wake`. Pure. */
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import { isMissing, wordsOf } from "../../config/issues/words.ts";
import type { SessionPolicy } from "../../config/ingress/ingress.ts";
import { type HookInput, MAX_BODY_UNITS } from "../../conversation/hook.ts";
import { parseJson } from "../../http/read-json.ts";

const Target = {
  deliver: z.boolean().optional(),
  channel: z.string().max(64).optional(),
  to: z.string().max(256).optional(),
};

const UNKNOWN_AGENT = "unknown agentId";

/** Open: callers send settings of agents that we do not have. */
const AgentHook = z.object({
  ...Target,
  message: z.string().trim().min(1).max(MAX_BODY_UNITS),
  name: z.string().trim().min(1).max(128).optional(),
  agentId: z
    .enum(["main"], {
      error: ({ input }) => `${UNKNOWN_AGENT} ${JSON.stringify(String(input).slice(0, 64))}`,
    })
    .optional(),
  sessionKey: z.string().trim().min(1).max(256).optional(),
});

const WakeHook = z.object({
  ...Target,
  text: z.string().trim().min(1).max(MAX_BODY_UNITS),
  /** Anything else is now. */
  mode: z.literal("next-heartbeat").optional().catch(undefined),
});

/**
 * What such a webhook asks for.
 *
 * @throws GatewayError invalid_request for a body that nobody understands, or for a session that
 *   it may not choose.
 */
export function readHook(hook: "agent" | "wake", text: string, sessions: SessionPolicy): HookInput {
  const body = parseJson(text);
  if (hook === "wake") return { kind: "wake", ...parse(WakeHook, body) };
  const { agentId: _ours, sessionKey, ...rest } = parse(AgentHook, body);
  const key = sessionOf(sessionKey, sessions);
  return { kind: "agent", ...rest, ...(key === undefined ? {} : { sessionKey: key }) };
}

/** Whoever may choose any session could write into the owner's. */
function sessionOf(
  wanted: string | undefined,
  { fallback, prefixes }: SessionPolicy,
): string | undefined {
  if (wanted === undefined) return fallback;
  const key = wanted.toLowerCase();
  if (prefixes?.some((prefix) => key.startsWith(prefix.toLowerCase())) === true) return wanted;
  const fault =
    prefixes === undefined
      ? "cannot be chosen by a webhook"
      : "begins with none of hooks.allowedSessionKeyPrefixes";
  throw new GatewayError("invalid_request", `\`sessionKey\`: ${fault}`, { param: "sessionKey" });
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const param = z.core.toDotPath(issue?.path ?? []);
  throw new GatewayError("invalid_request", complaintOf(param, issue), {
    param: param || undefined,
  });
}

/** Senders know some of these by heart: they are worded as the gateway contract has them. */
function complaintOf(param: string, issue: z.core.$ZodIssue | undefined): string {
  if (issue === undefined) return "the body is not valid";
  if (param === "") return `the body ${wordsOf(issue)}`;
  const isEmpty = isMissing(issue) || issue.code === "too_small";
  if (REQUIRED.has(param) && isEmpty) return `${param} required`;
  return issue.message.startsWith(UNKNOWN_AGENT)
    ? issue.message
    : `\`${param}\`: ${wordsOf(issue)}`;
}

const REQUIRED: ReadonlySet<string> = new Set(["message", "text"]);
