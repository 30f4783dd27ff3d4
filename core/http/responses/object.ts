/**
 * Responses in the shape OpenAI clients read. Pure.
 *
 * Source: https://platform.openai.com/docs/api-reference/responses/object
 */
import type { ErrorCode } from "../../../shared/errors.ts";
import type { StopReason } from "../../models/model.ts";
import type { ToolCall, Usage } from "../../store/message.ts";
import type { ResponseRequest } from "./request.ts";

/** What every version of one response repeats. */
export interface ResponseHead {
  /** 32 hexadecimal digits: part of the id of the response and of its items. */
  readonly key: string;
  /** Unix time, seconds. */
  readonly createdAt: number;
  readonly asked: ResponseRequest;
}

export type ResponseBody = Readonly<Record<string, unknown>>;

const KEY = /^(?:resp|msg|fc)_(?<key>[0-9a-f]{32})(?:_\d{1,3})?$/;

export function responseId(key: string): string {
  return `resp_${key}`;
}

export function messageId(key: string): string {
  return `msg_${key}`;
}

export function callId(key: string, index: number): string {
  return `fc_${key}_${index}`;
}

/** The response that an id of a response, or of one of its items, belongs to; undefined: none of ours. */
export function responseOf(id: string): string | undefined {
  const key = KEY.exec(id)?.groups?.["key"];
  return key === undefined ? undefined : responseId(key);
}

/** A response that is being made. */
export function begun(head: ResponseHead): ResponseBody {
  return object(head, "in_progress", [], {});
}

export interface Ended {
  readonly text: string;
  readonly stop: StopReason;
  readonly usage: Usage;
  readonly calls: readonly ToolCall[];
  /** Unix time, seconds. */
  readonly endedAt: number;
}

const INCOMPLETE: Partial<Record<StopReason, string>> = {
  max_tokens: "max_output_tokens",
  refusal: "content_filter",
};

export function ended(
  head: ResponseHead,
  { text, stop, usage, calls, endedAt }: Ended,
): ResponseBody {
  const reason = INCOMPLETE[stop];
  const status = reason === undefined ? "completed" : "incomplete";
  const said = text !== "" || calls.length === 0 ? [messageItem(head.key, text, status)] : [];
  const output = [...said, ...calls.map((call, index) => callItem(head.key, call, index))];
  return object(head, status, output, {
    completed_at: reason === undefined ? endedAt : null,
    incomplete_details: reason === undefined ? null : { reason },
    usage: toUsage(usage),
  });
}

/** @param message - Fit for the client. */
export function failed(
  head: ResponseHead,
  text: string,
  error: { readonly code: ErrorCode; readonly message: string },
): ResponseBody {
  const output = text === "" ? [] : [messageItem(head.key, text, "incomplete")];
  return object(head, "failed", output, {
    error: { code: errorCode(error.code), message: error.message },
  });
}

export function messageItem(key: string, text: string, status: string): object {
  return {
    id: messageId(key),
    type: "message",
    role: "assistant",
    status,
    content: [textPart(text)],
  };
}

export function textPart(text: string): object {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

export function callItem(key: string, call: ToolCall, index: number): object {
  return {
    id: callId(key, index),
    type: "function_call",
    call_id: call.id,
    name: call.name,
    arguments: call.input,
    status: "completed",
  };
}

function object(
  { key, createdAt, asked }: ResponseHead,
  status: string,
  output: readonly object[],
  changes: object,
): ResponseBody {
  return {
    id: responseId(key),
    object: "response",
    created_at: createdAt,
    status,
    background: false,
    completed_at: null,
    error: null,
    incomplete_details: null,
    ...echoed(asked),
    output,
    usage: null,
    ...changes,
  };
}

/** What the request said, as OpenAI repeats it: everything has a value. */
function echoed(asked: ResponseRequest): object {
  return {
    ...NOTHING_SAID,
    ...Object.fromEntries(
      Object.entries(asked).filter(
        ([name, value]) => Object.hasOwn(NOTHING_SAID, name) && value !== null,
      ),
    ),
    model: asked.model,
    reasoning: { effort: asked.reasoning?.effort ?? null, summary: null },
    text: { format: asked.text?.format ?? { type: "text" } },
    tools: asked.tools?.map(toTool) ?? [],
  };
}

/** Fields of a request that its response repeats, and what they are when they were left out. */
const NOTHING_SAID = {
  instructions: null,
  max_output_tokens: null,
  metadata: {},
  parallel_tool_calls: true,
  previous_response_id: null,
  store: true,
  temperature: null,
  tool_choice: "auto",
  top_p: null,
  truncation: "disabled",
  user: null,
} as const satisfies Partial<Record<keyof ResponseRequest, unknown>>;

function toTool({
  name,
  description,
  parameters,
  strict,
}: NonNullable<ResponseRequest["tools"]>[number]): object {
  return {
    type: "function",
    name,
    description: description ?? null,
    parameters: parameters ?? null,
    strict: strict ?? false,
  };
}

function toUsage({ inputTokens, outputTokens }: Usage): object {
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + outputTokens,
  };
}

/** OpenAI's own words for why a response failed. */
function errorCode(code: ErrorCode): string {
  if (code === "rate_limited") return "rate_limit_exceeded";
  return code === "invalid_request" ? "invalid_prompt" : "server_error";
}
