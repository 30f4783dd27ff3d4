/** Runs as they are kept in the inbox, and the turns they become. Pure. */
import * as z from "zod";
import { THINKING_LEVELS } from "../models/model.ts";
import type { Message } from "../store/message.ts";
import type { RunFacts } from "./live-runs.ts";
import { QUEUE_MODES } from "./queue.ts";
import type { Turn } from "./turn.ts";

const ImagePart = z.object({
  mediaType: z.enum(["image/png", "image/jpeg", "image/gif", "image/webp"]),
  data: z.string(),
});
/** What we wrote earlier, perhaps in an earlier version. */
export const Order = z.object({
  id: z.string(),
  kind: z.enum(["chat", "agent", "cron", "heartbeat"]),
  sessionKey: z.string(),
  message: z.string(),
  images: z.array(ImagePart).optional(),
  extraSystem: z.string().optional(),
  model: z.string().optional(),
  fallbacks: z.array(z.string()).optional(),
  toolsAllow: z.array(z.string()).optional(),
  lightContext: z.boolean().optional(),
  asOwner: z.boolean().optional(),
  thinking: z.enum(THINKING_LEVELS).optional(),
  fast: z.boolean().optional(),
  queueMode: z.enum(QUEUE_MODES).optional(),
  deliver: z.object({ channel: z.string(), to: z.string() }).optional(),
  timeoutMs: z.number().optional(),
  keep: z.boolean().optional(),
});
export type Order = z.output<typeof Order>;

/** What a person says; others wait for an answer of their own. */
export function isTalk({ kind, keep }: Order): boolean {
  return kind === "chat" && keep !== false;
}

/** One turn can answer both: the same is wished of it, and the answer goes to the same place. */
export function isSameTalk(order: Order, next: Order): boolean {
  return isTalk(next) && wishesIn(order) === wishesIn(next);
}

/** What one may do is nothing another one gets by asking behind them. */
function wishesIn(order: Order): string {
  const { model, thinking, fast, deliver, extraSystem, timeoutMs } = order;
  const { fallbacks, toolsAllow, lightContext, asOwner = false } = order;
  const scope = [fallbacks, toolsAllow, lightContext, asOwner];
  return JSON.stringify([model, thinking, fast, deliver, extraSystem, timeoutMs, ...scope]);
}

export function factsOf({ id, kind, sessionKey, message }: Order, acceptedAt: number): RunFacts {
  return { id, kind, sessionKey, question: message, acceptedAt };
}

export function turnOf(order: Order): Turn {
  const { id, kind, sessionKey, message, images, extraSystem, model, deliver } = order;
  const { fallbacks, toolsAllow, lightContext, asOwner, thinking, fast } = order;
  const system: Message[] =
    extraSystem === undefined ? [] : [{ role: "system", text: extraSystem }];
  const origin = deliver && { channel: deliver.channel, conversation: deliver.to };
  return {
    sessionKey,
    messages: [...system, { role: "user", text: message, images }],
    continues: true,
    via: kind,
    kind,
    runId: id,
    model,
    fallbacks,
    toolsAllow,
    lightContext,
    asOwner,
    thinking,
    fast,
    origin,
  };
}
