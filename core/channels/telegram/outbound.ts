import { GatewayError } from "../../../shared/errors.ts";
import { backoffMs } from "../../../shared/backoff.ts";
import type { OutboundMessage } from "../channel.ts";
import type { Clock } from "../clock.ts";
import { TelegramCallError } from "./client.ts";
import type { ApiMessage, TelegramClient } from "./client.ts";
import { isUnreadableHtml, sendError } from "./failure.ts";
import type { CallFailure } from "./failure.ts";
import { render } from "./render.ts";

/** The notice lasts 5 s at most: https://core.telegram.org/bots/api#sendchataction */
export const TYPING_EVERY_MS = 4_000;
/** A turn that takes longer than this is not made shorter by typing. */
const MAX_TYPING_MS = 10 * 60_000;
/** A message is sent again when Telegram says how; this often, or it would go round in circles. */
const MAX_SENDS = 3;

/** Where a message goes: a chat, and in a forum one of its topics. */
export interface Address {
  readonly chat: string;
  readonly thread: number | undefined;
}

/** Reads `<chat>`, `<chat>:<topic>` or `@channel`; undefined for anything else. */
export function parseConversation(conversation: string): Address | undefined {
  const parts = /^(?<chat>-?\d{1,19}|@\w{1,64})(?::(?<thread>\d{1,15}))?$/.exec(
    conversation,
  )?.groups;
  if (parts?.["chat"] === undefined) return undefined;
  const thread = parts["thread"];
  return { chat: parts["chat"], thread: thread === undefined ? undefined : Number(thread) };
}

/** Sends one piece, as the port of a channel says. */
export async function sendPiece(
  client: TelegramClient,
  { conversation, text }: OutboundMessage,
  signal: AbortSignal,
): Promise<string> {
  const address = parseConversation(conversation);
  if (address === undefined) throw new GatewayError("not_found", "Not a Telegram chat");
  const rendered = render(text.toWellFormed()); // half an emoji would be refused as bad UTF-8
  let message: ApiMessage = { ...address, text: rendered.html, isHtml: true };
  for (let left = MAX_SENDS; ; left -= 1) {
    try {
      return String(await client.sendMessage(message, signal));
    } catch (error) {
      if (!(error instanceof TelegramCallError)) throw error;
      const next = left > 1 ? remedy(message, rendered.text, error.failure) : undefined;
      if (next === undefined) throw sendError(error.failure);
      message = next;
    }
  }
}

/** The message as Telegram may take it after it refused, and so did not send, the last one. */
function remedy(last: ApiMessage, text: string, failure: CallFailure): ApiMessage | undefined {
  if (last.isHtml && isUnreadableHtml(failure)) return { ...last, text, isHtml: false };
  if (failure.kind === "refused" && failure.movedTo !== undefined) {
    return { ...last, chat: String(failure.movedTo) };
  }
  return undefined;
}

/** Shows the notice until `signal` aborts; gives up quietly when Telegram does not want it. */
export async function showTyping(
  client: TelegramClient,
  conversation: string,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const address = parseConversation(conversation);
  if (address === undefined) return;
  const until = clock.now() + MAX_TYPING_MS;
  for (let failures = 0; !signal.aborted && clock.now() < until;) {
    let waitMs = TYPING_EVERY_MS;
    try {
      await client.sendTyping(address.chat, address.thread, signal);
      failures = 0;
    } catch (error) {
      // Only a courtesy: whatever is wrong shows when the answer itself is sent.
      if (!(error instanceof TelegramCallError)) return;
      const { failure } = error;
      if (failure.kind === "refused" && failure.status !== 429) return;
      failures += 1;
      const asked = failure.kind === "refused" ? failure.retryAfterMs : undefined;
      waitMs = asked ?? TYPING_EVERY_MS + backoffMs(failures, () => 1);
    }
    await clock.wait(waitMs, signal);
  }
}
