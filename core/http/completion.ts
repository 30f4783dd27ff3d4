/**
 * Our answers in the shape OpenAI clients read. Pure.
 *
 * Source: https://platform.openai.com/docs/api-reference/chat/object and …/chat-streaming
 */
import type { StopReason } from "../models/model.ts";
import type { Usage } from "../store/message.ts";

/** What every piece of one answer repeats. */
export interface CompletionHead {
  readonly id: string;
  /** Unix time, seconds. */
  readonly created: number;
  /** As the client named it. */
  readonly model: string;
  /** True when nothing but the built-in echo answered: then the fingerprint says so. */
  readonly demo: boolean;
  /** Whether the last chunk before the end brings the token counts. */
  readonly includeUsage: boolean;
}

const FINISH_REASONS = {
  end: "stop",
  max_tokens: "length",
  tool_calls: "tool_calls",
  refusal: "content_filter",
} as const satisfies Record<StopReason, string>;

interface Delta {
  readonly role?: "assistant";
  readonly content?: string;
}

/** The whole answer at once. */
export function completion(
  head: CompletionHead,
  text: string,
  stop: StopReason,
  usage: Usage,
): object {
  return {
    ...common(head, "chat.completion"),
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: text, refusal: null },
        logprobs: null,
        finish_reason: FINISH_REASONS[stop],
      },
    ],
    usage: toUsage(usage),
  };
}

/** The first piece of a stream: who speaks. */
export function openingChunk(head: CompletionHead): string {
  return chunk(head, { role: "assistant", content: "" }, null);
}

export function deltaChunk(head: CompletionHead, text: string): string {
  return chunk(head, { content: text }, null);
}

/** The last piece with a choice: why it ends. */
export function closingChunk(head: CompletionHead, stop: StopReason): string {
  return chunk(head, {}, FINISH_REASONS[stop]);
}

/** The token counts, in a piece of their own without choices. */
export function usageChunk(head: CompletionHead, usage: Usage): string {
  return JSON.stringify({
    ...common(head, "chat.completion.chunk"),
    choices: [],
    usage: toUsage(usage),
  });
}

function chunk(head: CompletionHead, delta: Delta, finishReason: string | null): string {
  return JSON.stringify({
    ...common(head, "chat.completion.chunk"),
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
    // With `include_usage` every chunk but the last has the field, and it is null.
    ...(head.includeUsage ? { usage: null } : {}),
  });
}

function common({ id, created, model, demo }: CompletionHead, object: string): object {
  return { id, object, created, model, system_fingerprint: demo ? "demo" : null };
}

function toUsage({ inputTokens, outputTokens }: Usage): object {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
}
