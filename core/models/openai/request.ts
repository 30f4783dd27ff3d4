/** Our request -> the body of a chat completion. Pure. */
import type OpenAI from "openai";
import type { Message, ToolCall } from "../../store/message.ts";
import type { ModelRequest, ToolSpec } from "../model.ts";
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
    ...(request.tools.length > 0 ? { tools: request.tools.map(toTool) } : {}),
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
      return { role: "user", content: message.text };
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
