import { randomToken } from "../../shared/bytes.ts";
import { HookPayload, hookTurn } from "../conversation/hook.ts";
import type { WorkHandler } from "../conversation/work.ts";
import type { SystemEvents } from "./system-events.ts";

/** Of what a webhook said, as much as stands in a note together with the words around it. */
const MAX_TEXT_UNITS = 3_000;

/**
 * Webhooks that make no prompt of their own: what they say waits for the next one, in the frame
 * that tells the agent that it is a stranger's. Handles items whose source is `NOTE_SOURCE`.
 */
export function noteHandler(events: SystemEvents, defaultAgent: () => string): WorkHandler {
  return async (item) => {
    const payload = HookPayload.safeParse(item.payload);
    if (!payload.success || payload.data.kind !== "wake") {
      return { do: "bury", reason: "not a payload of a webhook" };
    }
    const text = payload.data.text.slice(0, MAX_TEXT_UNITS);
    const { sessionKey, prompt } = hookTurn(
      { ...payload.data, text },
      { agent: defaultAgent(), itemId: item.id, boundary: randomToken(12) },
    );
    await events.enqueue(sessionKey, prompt, item.id);
    return {
      do: "finish",
      answer: { status: 202, contentType: "text/plain", body: new Uint8Array() },
    };
  };
}
