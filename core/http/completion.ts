/**
 * Our answers in the shape OpenAI clients read. Pure.
 *
 * Source: https://platform.openai.com/docs/api-reference/chat/object and …/chat-streaming
 */
import type { StopReason } from "../models/model.ts";
import type { ToolCall, Usage } from "../store/message.ts";

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
  readonly tool_calls?: readonly object[];
}

/** What the agent answered. */
export interface Completed {
  readonly text: string;
  readonly stop: StopReason;
  readonly usage: Usage;
  /** Calls of the client's own tools. */
  readonly calls: readonly ToolCall[];
}

/** The whole answer at once. */
export function completion(head: CompletionHead, { text, stop, usage, calls }: Completed): object {
  // OpenAI says `null`, not "", where there is nothing but calls.
  const content = text === "" && calls.length > 0 ? null : text;
  return {
    ...common(head, "chat.completion"),
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content,
          refusal: null,
          ...(calls.length === 0 ? {} : { tool_calls: calls.map(toToolCall) }),
        },
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

/** One whole call of a client's tool: clients put pieces together by their index. */
export function callChunk(head: CompletionHead, call: ToolCall, index: number): string {
  return chunk(head, { tool_calls: [{ index, ...toToolCall(call) }] }, null);
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

function toToolCall({ id, name, input }: ToolCall): object {
  return { id, type: "function", function: { name, arguments: input } };
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
