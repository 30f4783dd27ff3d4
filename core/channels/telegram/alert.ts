import type { Secret } from "../../../shared/secret.ts";
import type { AlertRequest } from "../channel.ts";
import { parseConversation } from "./outbound.ts";

/**
 * `sendMessage` as whoever has it can send it; undefined for what is no chat. Pure. The URL holds the
 * token. Source: https://core.telegram.org/bots/api#making-requests
 */
export function alertRequest(
  conversation: string,
  text: string,
  settings: { readonly botToken: Secret; readonly apiRoot: string },
): AlertRequest | undefined {
  const address = parseConversation(conversation);
  if (address === undefined) return undefined;
  const { chat, thread } = address;
  return {
    url: `${settings.apiRoot}/bot${settings.botToken.reveal()}/sendMessage`,
    headers: new Map([["content-type", "application/json"]]),
    body: JSON.stringify({
      chat_id: chat,
      text: text.toWellFormed(),
      link_preview_options: { is_disabled: true },
      ...(thread === undefined ? {} : { message_thread_id: thread }),
    }),
  };
}
