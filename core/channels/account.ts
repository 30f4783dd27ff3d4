import type { Secret } from "../../shared/secret.ts";

/** What it takes to be a bot of Telegram. */
export interface TelegramAccount {
  readonly botToken: Secret;
  readonly apiRoot?: string | undefined;
  readonly textChunkLimit?: number | undefined;
  /** What the platform's menu shows; empty: nothing. Undefined: whatever it shows already. */
  readonly menu?: readonly { readonly command: string; readonly description: string }[] | undefined;
}
