/** Builders of the updates that Telegram sends. Source: https://core.telegram.org/bots/api#update */

/** The bot that every fake plays. The number before the colon of its token is its id. */
export const BOT = {
  id: 7_000_001,
  is_bot: true,
  first_name: "Sallyport",
  username: "sallyport_test_bot",
} as const;

export interface FakeUpdate {
  readonly update_id: number;
  readonly [kind: string]: unknown;
}

export interface TextOptions {
  /** Who writes; in a private chat also the chat. */
  readonly from?: number;
  readonly name?: string;
  readonly messageId?: number;
}

/** A private message. */
export function privateText(updateId: number, text: string, options: TextOptions = {}): FakeUpdate {
  const { from = 42, name = "Ada" } = options;
  return message(updateId, { id: from, type: "private", first_name: name }, { text }, options);
}

/** A message in a group, with whatever else it carries (`entities`, `reply_to_message` …). */
export function groupText(
  updateId: number,
  text: string,
  more: Readonly<Record<string, unknown>> = {},
  options: TextOptions & { readonly chat?: number } = {},
): FakeUpdate {
  const chat = { id: options.chat ?? -100_500, type: "supergroup", title: "Team" };
  return message(updateId, chat, { text, ...more }, options);
}

/** Any message: `chat` and the fields of its kind. */
export function message(
  updateId: number,
  chat: Readonly<Record<string, unknown>>,
  fields: Readonly<Record<string, unknown>>,
  options: TextOptions = {},
): FakeUpdate {
  const { from = 42, name = "Ada", messageId = updateId } = options;
  return {
    update_id: updateId,
    message: {
      message_id: messageId,
      from: { id: from, is_bot: false, first_name: name, language_code: "en" },
      chat,
      date: 1_790_000_000 + updateId,
      ...fields,
    },
  };
}

/** The entity with which Telegram marks an `@name` in `text`. */
export function mentionOf(text: string, name: string = BOT.username): Record<string, unknown> {
  const at = `@${name}`;
  return { entities: [{ type: "mention", offset: text.indexOf(at), length: at.length }] };
}
