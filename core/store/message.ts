/** One thing said. Tool calls belong to the assistant, their results to `tool` messages. */
export type Message =
  | { readonly role: "system"; readonly text: string }
  | {
      readonly role: "user";
      readonly text: string;
      /** Seen before the text. Absent: none. A session keeps only that there were some. */
      readonly images?: readonly Image[] | undefined;
    }
  | {
      readonly role: "assistant";
      readonly text: string;
      readonly toolCalls: readonly ToolCall[];
      /** What it thought before it called tools. Within a turn only: a session keeps none. */
      readonly thoughts?: readonly ThoughtBlock[] | undefined;
    }
  | { readonly role: "tool"; readonly callId: string; readonly text: string };

/** A thought, to be handed back as it came to the model that had it. */
export interface ThoughtBlock {
  /** Id of that model: to all others it means nothing. */
  readonly model: string;
  readonly kind: "signed" | "redacted" | "plain";
  /** Empty where the provider keeps it to itself. */
  readonly text: string;
  /** The provider's seal on it, or all there is of a redacted one. */
  readonly seal: string;
}

/** A picture, whole. */
export interface Image {
  readonly mediaType: "image/png" | "image/jpeg" | "image/gif" | "image/webp";
  /** Base64. */
  readonly data: string;
}

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON text as the model wrote it: it may be malformed, whoever runs the tool parses it. */
  readonly input: string;
}

/** Tokens. What a provider does not tell apart is absent. */
export interface Usage {
  /** All that was read, from a cache or not. */
  readonly inputTokens: number;
  /** All that was written, thought included. */
  readonly outputTokens: number;
  /** Of the input: found in the provider's cache. */
  readonly cacheReadTokens?: number | undefined;
  /** Of the input: put into the provider's cache. */
  readonly cacheWriteTokens?: number | undefined;
  /** Of the output: thought, and not said. */
  readonly reasoningTokens?: number | undefined;
}

/** Two usages together. Pure. */
export function plusUsage(a: Usage, b: Usage): Usage {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    ...both("cacheReadTokens", a, b),
    ...both("cacheWriteTokens", a, b),
    ...both("reasoningTokens", a, b),
  };
}

function both(
  name: "cacheReadTokens" | "cacheWriteTokens" | "reasoningTokens",
  a: Usage,
  b: Usage,
): Partial<Usage> {
  if (a[name] === undefined && b[name] === undefined) return {};
  return { [name]: (a[name] ?? 0) + (b[name] ?? 0) };
}
