import type { ErrorCode } from "../../shared/errors.ts";
import type { Message, ThoughtBlock, ToolCall, Usage } from "../store/message.ts";

/** What a model is told about a tool. */
export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the input object. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** Whether a tool has to be called: any of them, or the one of this name. */
export type ToolChoice = "required" | { readonly name: string };

/** What an answer must be, when it is for a program. */
export type AnswerFormat =
  | { readonly type: "json_object" }
  | {
      readonly type: "json_schema";
      readonly name: string;
      /** JSON Schema. */
      readonly schema: Readonly<Record<string, unknown>>;
      readonly strict: boolean;
    };

/** How much a model thinks before it answers; `adaptive`: as much as it finds it needs. */
export const THINKING_LEVELS = [
  "off",
  "minimal",
  "low",
  "medium",
  "high",
  "xhigh",
  "adaptive",
  "max",
] as const;

export type Thinking = (typeof THINKING_LEVELS)[number];

export interface ModelRequest {
  readonly messages: readonly Message[];
  readonly tools: readonly ToolSpec[];
  /** Undefined: the provider's default. */
  readonly temperature: number | undefined;
  readonly maxOutputTokens: number | undefined;
  /** Undefined: the provider's default. A level that the model does not know becomes the nearest. */
  readonly thinking?: Thinking | undefined;
  /** True: somebody looks at what it thinks, so it is to be told. */
  readonly showThinking?: boolean | undefined;
  /** True: the provider's faster service, where it has one. */
  readonly fast?: boolean | undefined;
  /** Undefined: the model decides. */
  readonly toolChoice?: ToolChoice | undefined;
  /** False: at most one call in an answer. Undefined: the provider's default. */
  readonly parallelToolCalls?: boolean | undefined;
  /**
   * Undefined: text. A model that cannot keep to it fails with `invalid_request`, it does not try.
   */
  readonly format?: AnswerFormat | undefined;
}

export type StopReason = "end" | "max_tokens" | "tool_calls" | "refusal";

/** Calls are to be run only when `done` says `tool_calls`: any other stop may have cut the last one. */
export type ModelEvent =
  | { readonly type: "text"; readonly delta: string }
  /** What it thinks, for those who asked to see that: never a part of the answer. */
  | { readonly type: "thinking"; readonly delta: string }
  /** A thought to be handed back, in this order, for as long as the turn goes on. */
  | { readonly type: "thought"; readonly block: ThoughtBlock }
  | { readonly type: "tool_call"; readonly call: ToolCall }
  | { readonly type: "done"; readonly stop: StopReason; readonly usage: Usage }
  | ModelFailure;

/** `message` is fit for the user: no key, no body, no header of the provider in it. */
export interface ModelFailure {
  readonly type: "failed";
  readonly code: Extract<
    ErrorCode,
    | "model_unauthorized"
    | "model_not_found"
    | "model_overloaded"
    | "model_timeout"
    | "model_failed"
    | "rate_limited"
    | "invalid_request"
    | "canceled"
  >;
  readonly message: string;
  readonly retryAfterMs: number | undefined;
  /** What it took all the same, as far as the provider said so. */
  readonly usage?: Usage | undefined;
}

/** A language model: one provider, one model id. */
export interface Model {
  /** `provider/model`, for people and logs. */
  readonly id: string;
  /** True for the built-in model that only echoes: every surface that names it must say so. */
  readonly demo: boolean;

  /**
   * Answers one request. Yields any number of other events, then exactly one `done` or `failed`,
   * and ends. Never throws once begun: failures are events. No retries inside
   * (agents/retry.ts decides once). Aborting `signal` stops the provider's work within a second
   * and ends the stream with `failed` / `canceled`.
   */
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent>;
}
