import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { InboundMessage, RawEvent } from "../channel.ts";

/** Who we are to Telegram. The name is known only after the first `getMe`. */
export interface BotIdentity {
  readonly id: number;
  readonly username: string | undefined;
}

/** The kinds of update that can become a message to us; Telegram is asked for no others. */
export const ALLOWED_UPDATES = ["message", "channel_post"] as const;

/** A name that a stranger chose goes into prompts and logs: this much of it. */
const MAX_NAME_UNITS = 64;

const Entity = z.object({
  type: z.string(),
  offset: z.int(),
  length: z.int(),
  user: z.object({ id: z.int() }).optional(),
});
const User = z.object({
  id: z.int(),
  is_bot: z.boolean().default(false),
  first_name: z.string().default(""),
  last_name: z.string().optional(),
});
const Chat = z.object({
  id: z.int(),
  type: z.enum(["private", "group", "supergroup", "channel"]),
  title: z.string().optional(),
});
/** Only that it is there counts: a photo, a poll … */
const Thing = z.looseObject({}).optional();

const MessageFields = z.object({
  message_id: z.int(),
  message_thread_id: z.int().optional(),
  is_topic_message: z.boolean().default(false),
  date: z.int(),
  chat: Chat,
  from: User.optional(),
  sender_chat: z.object({ id: z.int(), title: z.string().optional() }).optional(),
  text: z.string().optional(),
  caption: z.string().optional(),
  forward_origin: z.looseObject({}).optional(),
  via_bot: z.looseObject({}).optional(),
  entities: z.array(Entity).default([]),
  caption_entities: z.array(Entity).default([]),
  reply_to_message: z.object({ from: z.object({ id: z.int() }).optional() }).optional(),
  photo: z.array(z.unknown()).optional(),
  sticker: z.object({ emoji: z.string().default("") }).optional(),
  document: z.object({ file_name: z.string().default("") }).optional(),
  location: z.object({ latitude: z.number(), longitude: z.number() }).optional(),
  contact: Thing,
  poll: Thing,
  voice: Thing,
  audio: Thing,
  video: Thing,
  video_note: Thing,
  animation: Thing,
});
type TelegramMessage = z.output<typeof MessageFields>;

const Update = z.object({
  update_id: z.int().nonnegative(),
  message: MessageFields.optional(),
  channel_post: MessageFields.optional(),
});

const Envelope = z.object({ update_id: z.int().nonnegative() });
const Place = MessageFields.pick({ chat: true, message_thread_id: true, is_topic_message: true });
const Addressed = z.object({ message: Place.optional(), channel_post: Place.optional() });

/** @throws GatewayError `invalid_request` when there is none: it is not from Telegram. */
export function updateIdOf(update: unknown): number {
  const envelope = Envelope.safeParse(update);
  if (!envelope.success) throw new GatewayError("invalid_request", "Not a Telegram update");
  return envelope.data.update_id;
}

/**
 * Reads just enough of an update to keep it, even of a kind that came after us.
 *
 * @throws GatewayError `invalid_request` when it has no update id: it is not from Telegram.
 */
export function toRawEvent(update: unknown, botId: number): RawEvent {
  const updateId = updateIdOf(update);
  const addressed = Addressed.safeParse(update);
  const message = addressed.success
    ? (addressed.data.message ?? addressed.data.channel_post)
    : undefined;
  const lane = message === undefined ? "none" : conversationOf(message);
  return { id: `telegram:${botId}:${updateId}`, lane: `telegram:${lane}`, payload: update };
}

/**
 * Reads one update; undefined when there is nothing to answer: an edit, a service message, a bot,
 * or people in a group talking among themselves.
 *
 * @throws GatewayError `invalid_request` for what Telegram would not send, `overloaded` for a
 *   message in a group as long as our own name is not known.
 */
export function toInbound(
  payload: unknown,
  bot: BotIdentity,
  heard?: "all",
): InboundMessage | undefined {
  const update = Update.safeParse(payload);
  if (!update.success) {
    throw new GatewayError("invalid_request", `Not a Telegram update: ${paths(update.error)}`);
  }
  const message = update.data.message ?? update.data.channel_post;
  const sender = message && senderOf(message);
  const text = message && textOf(message);
  if (message === undefined || sender === undefined || text === undefined) return undefined;
  const direct = message.chat.type === "private";
  const isNamed = direct || isForUs(message, bot);
  if (!isNamed && !isHeard(message, bot, heard)) return undefined;
  return {
    id: `telegram:${bot.id}:${update.data.update_id}`,
    channel: "telegram",
    conversation: conversationOf(message),
    sender: String(sender.id),
    senderName: sender.name,
    direct,
    text,
    command: isNamed ? commandOf(message, bot) : undefined,
    sentAt: message.date * 1000,
  };
}

/** `<chat id>`, or `<chat id>:<topic id>` in a forum. */
function conversationOf(
  message: Pick<TelegramMessage, "chat" | "message_thread_id" | "is_topic_message">,
): string {
  // Outside of forums the thread is only that of a reply, and nothing can be sent to it.
  const { chat, message_thread_id: thread, is_topic_message: isTopic } = message;
  return isTopic && thread !== undefined ? `${chat.id}:${thread}` : String(chat.id);
}

/** Undefined for bots: two of them would never stop talking. */
function senderOf(message: TelegramMessage): { id: number; name: string } | undefined {
  // An anonymous admin or a channel speaks as a chat; `from` is then a stand-in.
  if (message.sender_chat !== undefined) {
    return { id: message.sender_chat.id, name: nameOf(message.sender_chat.title) };
  }
  const { from, chat } = message;
  if (from === undefined) return { id: chat.id, name: nameOf(chat.title) };
  if (from.is_bot) return undefined;
  return { id: from.id, name: nameOf(`${from.first_name} ${from.last_name ?? ""}`) };
}

function nameOf(name: string | undefined): string {
  return oneLine(name ?? "") || "somebody";
}

/** Bounded, without control characters. */
function oneLine(text: string): string {
  const clean = text.replaceAll(/[\p{C}\p{Z}]+/gu, " ").trim();
  return clean.slice(0, MAX_NAME_UNITS).toWellFormed();
}

/** The words, and in brackets what came with them: the model should know what it cannot see. */
function textOf(message: TelegramMessage): string | undefined {
  const words = message.text ?? message.caption ?? "";
  const thing = thingOf(message);
  const parts = [thing === undefined ? "" : `[${thing}]`, words].filter((part) => part !== "");
  return parts.length === 0 ? undefined : parts.join(" ");
}

const THINGS = [
  ["photo", "photo"],
  ["animation", "animation"],
  ["video", "video"],
  ["video_note", "video message"],
  ["voice", "voice message"],
  ["audio", "audio file"],
  ["contact", "contact"],
  ["poll", "poll"],
] as const satisfies readonly (readonly [keyof TelegramMessage, string])[];

function thingOf(message: TelegramMessage): string | undefined {
  const { sticker, location } = message;
  if (sticker !== undefined) return `sticker ${oneLine(sticker.emoji)}`.trimEnd();
  if (location !== undefined) return `location ${location.latitude}, ${location.longitude}`;
  // An animation is also sent as a document.
  const thing = THINGS.find(([field]) => message[field] !== undefined)?.[1];
  if (thing !== undefined || message.document === undefined) return thing;
  return `file ${oneLine(message.document.file_name)}`.trimEnd();
}

/** What names nobody is heard where all is; what names another bot is not. */
function isHeard(message: TelegramMessage, bot: BotIdentity, heard: "all" | undefined): boolean {
  return heard === "all" && !isForAnother(message, bot);
}

/** True for a command in a group that names another bot. */
function isForAnother(message: TelegramMessage, bot: BotIdentity): boolean {
  const addressee = addresseeOf(message);
  return addressee !== undefined && !isUs(addressee, bot);
}

/** True when a message in a group mentions us, answers us, or is a command for us. */
function isForUs(message: TelegramMessage, bot: BotIdentity): boolean {
  if (isForAnother(message, bot)) return false;
  if (message.reply_to_message?.from?.id === bot.id) return true;
  const text = message.text ?? message.caption ?? "";
  return [...message.entities, ...message.caption_entities].some((entity) => {
    if (entity.type === "text_mention") return entity.user?.id === bot.id;
    if (entity.type !== "mention" && entity.type !== "bot_command") return false;
    // Offsets are UTF-16 units, like ours.
    const name = text.slice(entity.offset, entity.offset + entity.length).split("@")[1];
    return name !== undefined && isUs(name, bot);
  });
}

/** @throws GatewayError `overloaded` as long as our own name is not known. */
function isUs(name: string, bot: BotIdentity): boolean {
  if (bot.username === undefined) {
    throw new GatewayError("overloaded", "Telegram has not told us our own name yet");
  }
  return name.toLowerCase() === bot.username.toLowerCase();
}

const ADDRESSED = /^(?<slash>\/\w{1,32})@(?<name>\w{1,64})(?=$|[\s:])/;

/** Which bot a command is for: `/status@this_bot`. Undefined: it names none. */
function addresseeOf({ text = "" }: TelegramMessage): string | undefined {
  return ADDRESSED.exec(text)?.groups?.["name"];
}

/** What was typed, without our name. What was forwarded or comes of another bot, somebody else has typed. */
function commandOf(message: TelegramMessage, bot: BotIdentity): string | undefined {
  const { text, entities } = message;
  const { forward_origin: origin, via_bot: maker } = message;
  if (text === undefined || origin !== undefined || maker !== undefined) return undefined;
  const addressee = addresseeOf(message);
  if (addressee !== undefined) {
    return isUs(addressee, bot) ? text.replace(ADDRESSED, "$<slash>") : undefined;
  }
  const first = entities.find(({ type, offset }) => type === "mention" && offset === 0);
  const name = first === undefined ? undefined : text.slice(1, first.length);
  return name !== undefined && isUs(name, bot) ? text.slice(1 + name.length).trim() : text;
}

/** Where an update is not as expected: paths, never values. */
function paths(error: z.ZodError): string {
  return error.issues.map(({ path }) => path.join(".")).join(", ");
}
