/** Our request -> the body of a chat completion. Pure. */
import type OpenAI from "openai";
import type { Image, Message, ToolCall } from "../../store/message.ts";
import type { AnswerFormat, ModelRequest, ToolChoice, ToolSpec } from "../model.ts";
import { parseToolInput } from "../tool-input.ts";

/** OpenAI's own hosts: they refuse `max_tokens` for reasoning models, many others know only that. */
const OPENAI_HOST = /(?:^|\.)(?:api\.openai\.com|openai\.azure\.com)$/;

/**
 * Source: https://platform.openai.com/docs/api-reference/chat/create
 *
 * @param baseUrl - Decides how the output limit is called.
 */
export function toParams(
  model: string,
  baseUrl: string,
  request: ModelRequest,
): OpenAI.ChatCompletionCreateParamsStreaming {
  const { temperature, maxOutputTokens } = request;
  return {
    model,
    stream: true,
    stream_options: { include_usage: true },
    messages: request.messages.map(toMessage),
    ...(temperature === undefined ? {} : { temperature }),
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
  return OPENAI_HOST.test(URL.parse(baseUrl)?.hostname ?? "")
    ? { max_completion_tokens: tokens }
    : { max_tokens: tokens };
}

function toMessage(message: Message): OpenAI.ChatCompletionMessageParam {
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
          };
    case "tool":
      break;
  }
  return { role: "tool", tool_call_id: message.callId, content: message.text };
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
