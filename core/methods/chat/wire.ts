/** Messages, as clients of the protocol read them. Pure. */
import type { SessionInfo, SessionMessage } from "../../store/session.ts";
import { tokensOf } from "../../models/prices.ts";
import type { Usage } from "../../store/message.ts";

/** What our stop reasons are called on the wire. */
const STOPS: Readonly<Record<string, string>> = {
  end: "stop",
  max_tokens: "length",
  tool_calls: "toolUse",
};

export function stopReasonOf(stop: string | undefined): string {
  return STOPS[stop ?? "end"] ?? stop ?? "stop";
}

/** `provider/model` in its two parts; a name without a provider has none. */
export function modelOf(ref: string | undefined): { modelProvider?: string; model?: string } {
  if (ref === undefined) return {};
  const slash = ref.indexOf("/");
  if (slash < 0) return { model: ref };
  return { modelProvider: ref.slice(0, slash), model: ref.slice(slash + 1) };
}

export function usageOf(usage: Usage): object {
  const totalTokens = usage.inputTokens + usage.outputTokens;
  return { ...tokensOf(usage), totalTokens };
}

/** What an assistant says, in the shape of events. */
export function assistantMessage(text: string, timestamp: number): object {
  return { role: "assistant", content: [{ type: "text", text }], timestamp };
}

/** Names a message for as long as its session lives. */
export function messageIdOf({ sessionId }: Pick<SessionInfo, "sessionId">, seq: number): string {
  return `${sessionId}:${seq}`;
}

/** The place of a message in its session; undefined when it is of another one. */
export function seqOf(
  { sessionId }: Pick<SessionInfo, "sessionId">,
  id: string,
): number | undefined {
  const [session, seq = ""] = id.split(":");
  return session === sessionId && /^\d{1,15}$/.test(seq) ? Number(seq) : undefined;
}

/**
 * One message of a transcript. Undefined for instructions: they were for the model alone.
 *
 * @param maxChars - Of a text: what is longer is cut, and says so.
 */
export function wireMessage(
  info: Pick<SessionInfo, "sessionId">,
  stored: SessionMessage,
  maxChars: number,
): object | undefined {
  const { seq, at, message, run } = stored;
  const text = cut(message.text, maxChars);
  const facts = { id: messageIdOf(info, seq), seq, recordTimestampMs: at };
  const runId = run === undefined ? {} : { runId: run };
  switch (message.role) {
    case "system":
      return undefined;
    case "user": {
      const key = run === undefined ? {} : { idempotencyKey: `${run}:user` };
      return {
        role: "user",
        content: text,
        timestamp: at,
        ...key,
        __openclaw: { ...facts, ...key },
      };
    }
    case "tool": {
      const named = { role: "toolResult", toolCallId: message.callId, isError: false };
      const content = [{ type: "text", text }];
      return { ...named, content, timestamp: at, __openclaw: { ...runId, ...facts } };
    }
    case "assistant":
      return {
        role: "assistant",
        content: [
          ...(text === "" && message.toolCalls.length > 0 ? [] : [{ type: "text", text }]),
          ...message.toolCalls.map(({ id, name, input }) => ({
            type: "toolCall",
            id,
            name,
            arguments: argumentsOf(input),
          })),
        ],
        ...answerFacts(stored),
        timestamp: at,
        __openclaw: { ...runId, ...facts },
      };
  }
}

function answerFacts({ model, stop, usage }: SessionMessage): object {
  const { modelProvider: provider, model: name } = modelOf(model);
  return {
    ...(provider === undefined ? {} : { provider }),
    ...(name === undefined ? {} : { model: name }),
    ...(usage === undefined ? {} : { usage: usageOf(usage) }),
    ...(stop === undefined ? {} : { stopReason: stopReasonOf(stop) }),
  };
}

/** As the model wrote them: perhaps no JSON at all. */
function argumentsOf(input: string): unknown {
  try {
    return JSON.parse(input);
  } catch {
    return { input };
  }
}

function cut(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  return `${text.slice(0, maxChars)}\n…(truncated: ${text.length - maxChars} more characters)`;
}
