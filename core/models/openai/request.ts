/** Our request -> the body of a chat completion. Pure. */
import type OpenAI from "openai";
import type { Image, Message, ToolCall } from "../../store/message.ts";
import type { AnswerFormat, ModelRequest, ToolChoice, ToolSpec } from "../model.ts";
import type { ModelFacts } from "../settings.ts";
import { parseToolInput } from "../tool-input.ts";
import { type Effort, effortFor } from "../efforts.ts";

/** OpenAI's own hosts: they refuse `max_tokens` for reasoning models, many others know only that. */
const OPENAI_HOST = /(?:^|\.)(?:api\.openai\.com|openai\.azure\.com)$/;

/**
 * Source: https://platform.openai.com/docs/api-reference/chat/create
 *
 * @param baseUrl - Decides how the output limit is called.
 * @param more - `id`: of the model, as thoughts name it that are handed back to it.
 */
export function toParams(
  model: string,
  baseUrl: string,
  request: ModelRequest,
  more: { readonly id?: string | undefined; readonly facts?: ModelFacts | undefined } = {},
): OpenAI.ChatCompletionCreateParamsStreaming {
  const { maxOutputTokens } = request;
  const effort = effortFor(request.thinking, model, more.facts);
  return {
    model,
    stream: true,
    stream_options: { include_usage: true },
    messages: request.messages.map((message) => toMessage(message, more.id)),
    ...temperatureOf(baseUrl, request, effort),
    ...(effort === undefined ? {} : { reasoning_effort: effort }),
    ...(request.fast === true && isOpenAi(baseUrl) ? { service_tier: "priority" } : {}),
    ...(maxOutputTokens === undefined ? {} : outputLimit(baseUrl, maxOutputTokens)),
    ...(request.tools.length > 0
      ? { tools: request.tools.map(toTool), ...toolRules(request) }
      : {}),
    ...(request.format === undefined ? {} : { response_format: toFormat(request.format) }),
  };
}

function outputLimit(
  baseUrl: string,
  tokens: number,
): { max_tokens: number } | { max_completion_tokens: number } {
  return isOpenAi(baseUrl) ? { max_completion_tokens: tokens } : { max_tokens: tokens };
}

function isOpenAi(baseUrl: string): boolean {
  return OPENAI_HOST.test(URL.parse(baseUrl)?.hostname ?? "");
}

/** OpenAI's own models refuse one while they think; others take both. */
function temperatureOf(
  baseUrl: string,
  { temperature }: ModelRequest,
  effort: Effort | undefined,
): { temperature?: number } {
  const thinks = effort !== undefined && effort !== "none";
  return temperature === undefined || (thinks && isOpenAi(baseUrl)) ? {} : { temperature };
}

function toMessage(
  message: Message,
  thinker: string | undefined,
): OpenAI.ChatCompletionMessageParam {
  switch (message.role) {
    case "system":
      return { role: "system", content: message.text };
    case "user":
      return { role: "user", content: toContent(message.text, message.images ?? []) };
    case "assistant":
      return message.toolCalls.length === 0
        ? { role: "assistant", content: message.text }
        : {
            role: "assistant",
            content: message.text === "" ? null : message.text,
            tool_calls: message.toolCalls.map(toToolCall),
            ...thoughtsOf(message, thinker),
          };
    case "tool":
      break;
  }
  return { role: "tool", tool_call_id: message.callId, content: message.text };
}

/** Servers that write down what they think demand it back until the round of calls is over. */
function thoughtsOf(
  { thoughts = [] }: Extract<Message, { role: "assistant" }>,
  thinker: string | undefined,
): { reasoning_content?: string } {
  const own = thoughts.filter(({ model, kind }) => kind === "plain" && model === thinker);
  return own.length === 0 ? {} : { reasoning_content: own.map(({ text }) => text).join("") };
}

function toContent(
  text: string,
  images: readonly Image[],
): string | OpenAI.ChatCompletionContentPart[] {
  if (images.length === 0) return text;
  return [
    ...images.map(
      ({ mediaType, data }) =>
        ({
          type: "image_url",
          image_url: { url: `data:${mediaType};base64,${data}` },
        }) as const,
    ),
    ...(text === "" ? [] : [{ type: "text", text } as const]),
  ];
}

/** The API refuses both for a request without tools. */
function toolRules({
  toolChoice,
  parallelToolCalls,
}: ModelRequest): Pick<
  OpenAI.ChatCompletionCreateParamsStreaming,
  "tool_choice" | "parallel_tool_calls"
> {
  return {
    ...(toolChoice === undefined ? {} : { tool_choice: toToolChoice(toolChoice) }),
    ...(parallelToolCalls === undefined ? {} : { parallel_tool_calls: parallelToolCalls }),
  };
}

function toToolChoice(choice: ToolChoice): OpenAI.ChatCompletionToolChoiceOption {
  if (choice === "required") return choice;
  return { type: "function", function: { name: choice.name } };
}

function toFormat(
  format: AnswerFormat,
): OpenAI.ChatCompletionCreateParamsStreaming["response_format"] {
  if (format.type === "json_object") return format;
  const { name, schema, strict } = format;
  return { type: "json_schema", json_schema: { name, schema: { ...schema }, strict } };
}

function toToolCall(call: ToolCall): OpenAI.ChatCompletionMessageFunctionToolCall {
  // Ollama and vLLM parse what they get back and refuse the whole request when they cannot.
  const input = parseToolInput(call);
  const json = JSON.stringify(input.ok ? input.value : {});
  return { id: call.id, type: "function", function: { name: call.name, arguments: json } };
}

function toTool(spec: ToolSpec): OpenAI.ChatCompletionFunctionTool {
  const { name, description, parameters } = spec;
  return { type: "function", function: { name, description, parameters: { ...parameters } } };
}
