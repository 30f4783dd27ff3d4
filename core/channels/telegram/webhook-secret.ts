import { toBase64Url, utf8 } from "../../../shared/bytes.ts";
import type { Secret } from "../../../shared/secret.ts";

/**
 * What Telegram proves itself with in `X-Telegram-Bot-Api-Secret-Token`.
 *
 * Derived from the bot token, so that it need not be stored, is the same after a restart, and
 * changes with the token. The hash cannot be turned back. Telegram takes 1 to 256 of
 * `A-Za-z0-9_-`: https://core.telegram.org/bots/api#setwebhook
 */
export async function webhookSecret(botToken: Secret): Promise<string> {
  const seed = utf8(`sallyport telegram webhook\n${botToken.reveal()}`);
  return toBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", seed)));
}
