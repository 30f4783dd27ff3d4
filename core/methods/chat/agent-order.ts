import * as z from "zod";
import type { RunOrder } from "../../conversation/run.ts";
import type { SessionInfo } from "../../store/session.ts";
import { MethodError } from "../method.ts";
import { attached, Attachments } from "./attachments.ts";
import { resetOf } from "./commands.ts";
import {
  bareTarget,
  type ChatParts,
  mustMaySend,
  type Named,
  sessionOf,
  tellChanged,
  thinkingIn,
  unknownAgent,
} from "./parts.ts";
import { modelOf } from "./wire.ts";

/** What is asked after a session was begun anew and nobody said with what. */
const GREETING = "A new session has begun. Greet me in one sentence and ask what I need.";

const Name = z.string().min(1);
const Text = z.string();
const AgentParams = z.strictObject({
  message: Name,
  agentId: Name.optional(),
  provider: Text.optional(),
  model: Text.optional(),
  to: Text.optional(),
  replyTo: Text.optional(),
  sessionId: Text.optional(),
  sessionKey: Text.optional(),
  expectedExistingSessionId: Name.optional(),
  thinking: Text.optional(),
  deliver: z.boolean().optional(),
  attachments: Attachments,
  channel: Text.optional(),
  replyChannel: Text.optional(),
  accountId: Text.optional(),
  replyAccountId: Text.optional(),
  threadId: Text.optional(),
  groupId: Text.optional(),
  groupChannel: Text.optional(),
  groupSpace: Text.optional(),
  /** Seconds. */
  timeout: z.int().min(0).max(86_400).optional(),
  bestEffortDeliver: z.boolean().optional(),
  lane: Text.optional(),
  extraSystemPrompt: Text.optional(),
  bootstrapContextMode: z.enum(["full", "lightweight"]).optional(),
  promptMode: z.enum(["full", "minimal", "none"]).optional(),
  inputProvenance: z.unknown().optional(),
  suppressPromptPersistence: z.boolean().optional(),
  disableMessageTool: z.boolean().optional(),
  voiceWakeTrigger: Text.optional(),
  idempotencyKey: z.string().min(1).max(256),
  label: z.string().min(1).max(512).optional(),
});
type AgentParams = z.output<typeof AgentParams>;

/**
 * The run that the parameters of `agent` ask for.
 *
 * @throws MethodError, ZodError for what cannot be run.
 */
export async function agentOrder(given: unknown, parts: ChatParts): Promise<RunOrder> {
  const params = AgentParams.parse(given);
  const session = await targetOf(params, parts);
  const info = await parts.store.sessions.find(session.key);
  await prepare(params, session, info, parts);
  const { images, text } = attached(params.attachments);
  const { timeout = 0, extraSystemPrompt = "" } = params;
  return {
    id: params.idempotencyKey,
    kind: "agent",
    sessionKey: session.key,
    message: [await questionOf(params, session, parts), text].filter(isSaid).join("\n\n"),
    images: images.length === 0 ? undefined : images,
    extraSystem: isSaid(extraSystemPrompt) ? extraSystemPrompt : undefined,
    model: chosenModel(params, session, parts),
    thinking: params.thinking ? thinkingIn(params.thinking) : undefined,
    lightContext: params.bootstrapContextMode === "lightweight" ? true : undefined,
    deliver: params.deliver === true ? deliveryOf(params, info?.origin, parts) : undefined,
    timeoutMs: timeout === 0 ? undefined : timeout * 1_000,
    keep: params.suppressPromptPersistence === true ? false : undefined,
  };
}

function isSaid(text: string): boolean {
  return text !== "";
}

async function targetOf(params: AgentParams, parts: ChatParts): Promise<Named> {
  const { sessionKey = "", sessionId = "", agentId } = params;
  if (agentId !== undefined && parts.agents().find(agentId.toLowerCase()) === undefined) {
    throw unknownAgent(agentId);
  }
  if (isSaid(sessionKey)) return sessionOf(sessionKey, agentId, parts);
  if (!isSaid(sessionId)) return sessionOf("main", agentId, parts);
  const filter = { sessionId, limit: 1, offset: 0, archived: "all" } as const;
  const [known] = (await parts.store.sessions.list(filter)).sessions;
  // One that nobody knows is begun under the name it was called by.
  return sessionOf(known?.key ?? `explicit:${sessionId}`, agentId, parts);
}

/** @throws MethodError when the session is not as it has to be. */
async function prepare(
  { expectedExistingSessionId: expected, label }: AgentParams,
  { key }: Named,
  info: SessionInfo | undefined,
  { store, now }: ChatParts,
): Promise<void> {
  mustMaySend(info);
  if (expected !== undefined && info?.sessionId !== expected) {
    throw new MethodError("INVALID_REQUEST", "session changed", { code: "SESSION_CHANGED" });
  }
  if (label !== undefined && info?.label !== label)
    await store.sessions.patch(key, { label }, now());
}

/** Without the command to begin anew, which is carried out; but not by a request that comes again. */
async function questionOf(
  { message, idempotencyKey }: AgentParams,
  { key }: Named,
  parts: ChatParts,
): Promise<string> {
  const reset = resetOf(message);
  if (reset === undefined) return message;
  if ((await parts.engine.runs.find(idempotencyKey)) === undefined) {
    await parts.engine.sessions.reset(key);
    tellChanged(parts, key, { reason: "reset" });
  }
  return isSaid(reset.rest) ? reset.rest : GREETING;
}

/** A model without its provider is one of the agent's. */
function chosenModel(
  { provider, model }: AgentParams,
  { agentId }: Named,
  { agents }: ChatParts,
): string | undefined {
  if (model === undefined) return undefined;
  if (provider !== undefined) return `${provider}/${model}`;
  const refs = model.includes("/") ? [] : (agents().find(agentId)?.modelRefs ?? []);
  return refs.find((ref) => modelOf(ref).model === model) ?? model;
}

function deliveryOf(
  params: AgentParams,
  origin: SessionInfo["origin"],
  { channel }: ChatParts,
): RunOrder["deliver"] {
  const by = params.replyChannel ?? params.channel ?? origin?.channel;
  const to = params.replyTo ?? params.to ?? backTo(by, origin);
  const isNamed = by !== undefined && to !== undefined;
  if (isNamed && channel(by) !== undefined) return { channel: by, to: bareTarget(by, to) };
  if (params.bestEffortDeliver === true) return undefined;
  const why = isNamed
    ? `channel ${by} is not configured`
    : "delivery needs a channel and a target (--channel, --reply-to)";
  throw new MethodError("INVALID_REQUEST", why, { code: "DELIVERY_TARGET_REQUIRED" });
}

/** Where the session was last talked in from, when that is on the channel that is meant. */
function backTo(by: string | undefined, origin: SessionInfo["origin"]): string | undefined {
  return by === origin?.channel ? origin?.conversation : undefined;
}
