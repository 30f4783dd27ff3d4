import * as z from "zod";
import { bareTarget, type ChatParts } from "../chat/parts.ts";
import { MethodError } from "../method.ts";

/** UTF-16 units of one message; channels cut it into as many pieces as they need. */
const MAX_UNITS = 100_000;

const Name = z.string().min(1);
const Text = z.string();
const Send = z.strictObject({
  to: Name.max(512),
  message: Text.max(MAX_UNITS).optional(),
  mediaUrl: Text.optional(),
  mediaUrls: z.array(Text).optional(),
  buffer: Text.optional(),
  filename: Text.optional(),
  contentType: Text.optional(),
  asVoice: z.boolean().optional(),
  gifPlayback: z.boolean().optional(),
  channel: Text.optional(),
  accountId: Text.optional(),
  agentId: Text.optional(),
  replyToId: Text.optional(),
  threadId: Text.optional(),
  forceDocument: z.boolean().optional(),
  silent: z.boolean().optional(),
  parseMode: z.literal("HTML").optional(),
  sessionKey: Text.optional(),
  idempotencyKey: Name.max(256),
});
const Action = z.strictObject({
  channel: Name,
  action: Name,
  params: z.looseObject({}),
  reply: z.unknown().optional(),
  accountId: Text.optional(),
  requesterAccountId: Text.optional(),
  requesterSenderId: Text.optional(),
  senderIsOwner: z.boolean().optional(),
  sessionKey: Text.optional(),
  sessionId: Text.optional(),
  inboundTurnKind: Text.optional(),
  agentId: Text.optional(),
  toolContext: z.unknown().optional(),
  conversationReadOrigin: Text.optional(),
  idempotencyKey: Name.max(256),
});
/** The arguments of the action `send`; command lines send all their flags along. */
const SendAction = z.looseObject({
  message: Text.max(MAX_UNITS).optional(),
  target: Text.max(512).optional(),
  to: Text.max(512).optional(),
  media: Text.optional(),
  mediaUrl: Text.optional(),
  dryRun: z.boolean().optional(),
});

/** `send`: a message to a conversation of a channel. */
export async function sendMessage(given: unknown, parts: ChatParts): Promise<object> {
  const { to, message, channel, idempotencyKey, mediaUrl, mediaUrls, buffer } = Send.parse(given);
  if (mediaUrl !== undefined || buffer !== undefined || (mediaUrls?.length ?? 0) > 0) {
    throw noMedia();
  }
  if (channel === undefined || channel === "") {
    throw new MethodError("INVALID_REQUEST", "channel required");
  }
  return tell({ channel, to, text: message ?? "", id: idempotencyKey }, parts);
}

/** `message.action`: what people do with messages; we send them. */
export async function actOnMessage(given: unknown, parts: ChatParts): Promise<object> {
  const { channel, action, params, idempotencyKey } = Action.parse(given);
  if (action !== "send") {
    throw new MethodError("INVALID_REQUEST", `action ${action} is not supported on ${channel}`, {
      code: "ACTION_UNSUPPORTED",
    });
  }
  const { message = "", target, to, media, mediaUrl, dryRun = false } = SendAction.parse(params);
  if (media !== undefined || mediaUrl !== undefined) throw noMedia();
  const order = { channel, to: target ?? to ?? "", text: message, id: idempotencyKey };
  if (dryRun) {
    mustBeChannel(channel, parts);
    return { ok: true, channel, to: bareTarget(channel, order.to), dryRun };
  }
  return { ok: true, ...(await tell(order, parts)) };
}

interface Order {
  readonly id: string;
  readonly channel: string;
  readonly to: string;
  readonly text: string;
}

async function tell({ id, channel, to, text }: Order, parts: ChatParts): Promise<object> {
  mustBeChannel(channel, parts);
  const conversation = bareTarget(channel, to);
  if (conversation === "") throw new MethodError("INVALID_REQUEST", "target required");
  if (text.trim() === "") throw new MethodError("INVALID_REQUEST", "message required");
  const messageId = `send/${channel}/${id}`;
  await parts.engine.tell({ id: messageId, channel, conversation, text });
  return { runId: id, channel, messageId, chatId: conversation, status: "queued" };
}

/** @throws MethodError that says what is missing. */
function mustBeChannel(id: string, { channel }: ChatParts): void {
  if (channel(id) !== undefined) return;
  throw new MethodError("UNAVAILABLE", `Channel ${id} is not configured.`, {
    code: "CHANNEL_NOT_CONFIGURED",
  });
}

function noMedia(): MethodError {
  return new MethodError("INVALID_REQUEST", "only text can be sent", { code: "MEDIA_UNSUPPORTED" });
}
