/** `message`: a message to a conversation of a channel, beside the answer. */
import * as z from "zod";
import type { AgentTool, ToolCaller } from "../../agents/tool.ts";
import { parametersOf } from "../../agents/tools/parameters.ts";
import type { Notice } from "../../conversation/engine.ts";
import type { SessionStore } from "../../store/session.ts";
import { bareTarget } from "../chat/parts.ts";
import { explained, shown } from "./answer.ts";
import { Rate } from "./rate.ts";

/** UTF-16 units of a message; channels cut it into as many pieces as they need. */
const MAX_UNITS = 16_000;
/** A model that goes round in a circle writes to people: that ends here. */
const MAX_SENT = 20;
const WINDOW_MS = 10 * 60_000;

const Input = z.strictObject({
  action: z.literal("send"),
  message: z.string().min(1).max(MAX_UNITS),
  channel: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe("Left out: the channel this session was last talked to from"),
  target: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe(
      "Conversation or person on the channel; left out: where this session was last talked to",
    ),
});

export interface MessageToolParts {
  readonly sessions: Pick<SessionStore, "find">;
  readonly hasChannel: (id: string) => boolean;
  readonly tell: (notice: Notice) => Promise<unknown>;
  /** Unix ms. */
  readonly now: () => number;
  readonly newId: () => string;
}

export function messageTool(parts: MessageToolParts): AgentTool {
  const rate = new Rate(MAX_SENT, WINDOW_MS, parts.now);
  return {
    spec: {
      name: "message",
      description:
        "Sends a message to a conversation of a connected channel. Not for the answer to what was just said: that is delivered by itself.",
      parameters: parametersOf(Input),
    },
    for: "owner",
    run: (input, _signal, caller) =>
      explained(async () => send(parts, rate, Input.parse(input), caller)),
  };
}

async function send(
  parts: MessageToolParts,
  rate: Rate,
  order: z.output<typeof Input>,
  caller: ToolCaller,
): Promise<string> {
  const place = await placeOf(parts, order, caller);
  if (typeof place === "string") return place;
  if (order.message.trim() === "") return "There is nothing in the message.";
  if (!rate.take(caller.agentId)) {
    return `Not sent: ${MAX_SENT} messages in ten minutes are as many as there may be.`;
  }
  await parts.tell({ id: `tool/${parts.newId()}`, ...place, text: order.message });
  return shown({ status: "queued", channel: place.channel, target: place.conversation });
}

/** Text: what is missing. */
async function placeOf(
  { sessions, hasChannel }: MessageToolParts,
  { channel: asked, target }: z.output<typeof Input>,
  { sessionKey }: ToolCaller,
): Promise<{ readonly channel: string; readonly conversation: string } | string> {
  const origin = sessionKey === undefined ? undefined : (await sessions.find(sessionKey))?.origin;
  const channel = asked ?? origin?.channel;
  if (channel === undefined) return "Name the channel: this session was not talked to from one.";
  if (!hasChannel(channel)) return `There is no channel ${channel}.`;
  const known = origin?.channel === channel ? origin.conversation : "";
  const conversation = target === undefined ? known : bareTarget(channel, target);
  return conversation === "" ? "Name the target." : { channel, conversation };
}
