import * as z from "zod";
import { mustNameSession } from "./send.ts";
import { type ChatParts, messagesTopic, sessionOf, tellChanged } from "./parts.ts";
import { messageIdOf, wireMessage } from "./wire.ts";

const Name = z.string().min(1);
const Abort = z.strictObject({
  sessionKey: Name,
  agentId: Name.optional(),
  runId: Name.optional(),
  preserveSideRuns: z.boolean().optional(),
});
const Inject = z.strictObject({
  sessionKey: Name,
  agentId: Name.optional(),
  message: Name,
  label: z.string().max(100).optional(),
});

/** UTF-16 units of a message in an event. */
const MAX_CHARS = 200_000;

/** `chat.abort`: ends what goes on in a session, whoever has begun it. */
export async function chatAbort(given: unknown, parts: ChatParts): Promise<object> {
  mustNameSession(given, "chat.abort");
  const { sessionKey, agentId, runId } = Abort.parse(given);
  const { key } = sessionOf(sessionKey, agentId, parts);
  const which = runId === undefined ? { sessionKey: key } : { id: runId, sessionKey: key };
  const runIds = await parts.engine.runs.abort(which);
  return { ok: true, aborted: runIds.length > 0, runIds };
}

/** `chat.inject`: puts words into a session as if the assistant had said them. */
export async function chatInject(given: unknown, parts: ChatParts): Promise<object> {
  mustNameSession(given, "chat.inject");
  const { sessionKey, agentId, message, label } = Inject.parse(given);
  const named = sessionOf(sessionKey, agentId, parts);
  const { key } = named;
  const text = label === undefined ? message : `[${label}]\n\n${message}`;
  await parts.store.sessions.add({
    sessionKey: key,
    messages: [{ role: "assistant", text, toolCalls: [] }],
    usage: { inputTokens: 0, outputTokens: 0 },
    at: parts.now(),
  });
  const page = await parts.store.sessions.page(key, { limit: 1 });
  const [stored] = page?.messages ?? [];
  if (page === undefined || stored === undefined) return { ok: true };
  const { info } = page;
  const messageId = messageIdOf(info, stored.seq);
  const said = wireMessage(info, stored, MAX_CHARS);
  const facts = { sessionKey: key, agentId: named.agentId, message: said };
  parts.hub.publish(
    "session.message",
    { ...facts, messageId, messageSeq: stored.seq },
    { topic: messagesTopic(key) },
  );
  parts.hub.publish("chat", { runId: `inject-${messageId}`, seq: 0, state: "final", ...facts });
  tellChanged(parts, key, { reason: "inject" });
  return { ok: true, messageId };
}
