import type { InboxItem } from "../store/entry.ts";
import type { WebhookAnswer } from "../store/webhook.ts";

/** What became of an inbox item that is no turn. */
export type WorkOutcome =
  | {
      readonly do: "finish";
      /** For a sender that waits. */
      readonly answer: WebhookAnswer;
    }
  | { readonly do: "retry"; readonly delayMs: number; readonly reason: string }
  /** It will never succeed. */
  | { readonly do: "bury"; readonly reason: string };

/** Handles items of one source. `signal` aborts when the gateway can wait no longer. */
export type WorkHandler = (item: InboxItem, signal: AbortSignal) => Promise<WorkOutcome>;
