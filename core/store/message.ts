/** One thing said. Tool calls belong to the assistant, their results to `tool` messages. */
export type Message =
  | { readonly role: "system"; readonly text: string }
  | {
      readonly role: "user";
      readonly text: string;
      /** Seen before the text. Absent: none. A session keeps only that there were some. */
      readonly images?: readonly Image[] | undefined;
    }
  | { readonly role: "assistant"; readonly text: string; readonly toolCalls: readonly ToolCall[] }
  | { readonly role: "tool"; readonly callId: string; readonly text: string };

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

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}
