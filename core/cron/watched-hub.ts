import * as z from "zod";
import type { EventHub } from "../methods/events.ts";
import type { Happening } from "./parts.ts";

/** What is told to clients when a session has changed. */
const Changed = z.object({
  sessionKey: z.string(),
  agentId: z.string().optional(),
  reason: z.string(),
  sessionId: z.string().nullish(),
});

/** The names that hooks know these changes by. */
const EVENTS: ReadonlyMap<string, string> = new Map([
  ["new", "command:new"],
  ["create", "command:new"],
  ["reset", "command:reset"],
  ["compact", "session:compact"],
  ["patch", "session:patch"],
]);

/** A hub that tells hooks as well, once they may do something about it. */
export function watchedHub(hub: EventHub, happened: (happening: Happening) => void): EventHub {
  return {
    publish(event, payload, to) {
      hub.publish(event, payload, to);
      const changed = event === "sessions.changed" ? Changed.safeParse(payload) : undefined;
      if (changed?.success !== true) return;
      const { reason, sessionKey, agentId = "", sessionId } = changed.data;
      const name = EVENTS.get(reason);
      if (name === undefined) return;
      happened({ event: name, facts: { sessionKey, agentId, sessionId: sessionId ?? "" } });
    },
  };
}
