/** Makes a list of messages one that every provider takes. Pure. */
import type { Message, ToolCall } from "../store/message.ts";

/** What stands in for a result that was never stored: the process ended while the tool ran. */
const LOST_RESULT = "The result of this call was lost. Call the tool again if you still need it.";

/**
 * Pairs every tool call with its result: results without a call are dropped, calls without a
 * result get one that says so, and leading answers without a question go.
 *
 * A history cut to its newest messages begins anywhere, and a process killed in the middle of a
 * round leaves calls unanswered; the providers refuse the whole request for either.
 */
export function soundHistory(messages: readonly Message[]): Message[] {
  const first = messages.findIndex(({ role }) => role === "user");
  const sound: Message[] = [];
  /** Calls of the newest assistant message that have no result yet. */
  let open: ToolCall[] = [];
  for (const [index, message] of messages.entries()) {
    if (message.role === "system") sound.push(message);
    else if (index < first || first < 0) continue;
    else if (message.role === "tool") {
      const call = open.find(({ id }) => id === message.callId);
      if (call === undefined) continue;
      open = open.filter((other) => other !== call);
      sound.push(message);
    } else {
      sound.push(...open.map(lost), message);
      open = message.role === "assistant" ? [...message.toolCalls] : [];
    }
  }
  sound.push(...open.map(lost));
  return sound;
}

function lost(call: ToolCall): Message {
  return { role: "tool", callId: call.id, text: LOST_RESULT };
}
