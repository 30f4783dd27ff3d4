/** Our request -> the body of Anthropic's Messages API. Pure. */
import type Anthropic from "@anthropic-ai/sdk";
import type { Image, Message, ToolCall } from "../../store/message.ts";
import type { ModelRequest, ToolSpec } from "../model.ts";
import { parseToolInput } from "../tool-input.ts";

/** The API demands a number; every model on sale can write this much. */
const DEFAULT_MAX_OUTPUT_TOKENS = 8_192;

type Block = Anthropic.ContentBlockParam;

/** Source: https://platform.claude.com/docs/en/api/messages */
export function toParams(
  model: string,
  request: ModelRequest,
): Anthropic.MessageCreateParamsStreaming {
  const system = request.messages.filter(({ role }) => role === "system").map(({ text }) => text);
  const { temperature, maxOutputTokens } = request;
  return {
    model,
    stream: true,
    max_tokens: maxOutputTokens ?? DEFAULT_MAX_OUTPUT_TOKENS,
    messages: toMessages(request.messages),
    ...(system.length > 0 ? { system: system.join("\n\n") } : {}),
    // OpenAI's scale, which our clients use, goes to 2; this one ends at 1.
    ...(temperature === undefined ? {} : { temperature: Math.min(1, temperature) }),
    ...(request.tools.length > 0
      ? { tools: request.tools.map(toTool), ...toolRules(request) }
      : {}),
    ...(request.format?.type === "json_schema"
      ? { output_config: { format: { type: "json_schema", schema: { ...request.format.schema } } } }
      : {}),
  };
}

/** Neighbours of one role become one message: the roles must alternate, tool results are the user's. */
function toMessages(messages: readonly Message[]): Anthropic.MessageParam[] {
  const turns: { role: "user" | "assistant"; content: Block[] }[] = [];
  for (const message of messages) {
    const content = toBlocks(message);
    if (content.length === 0) continue;
    const role = message.role === "assistant" ? "assistant" : "user";
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...content);
    else turns.push({ role, content });
  }
  return turns;
}

function toBlocks(message: Message): Block[] {
  switch (message.role) {
    case "system":
      return [];
    case "user":
      return [...(message.images ?? []).map(toImage), ...toText(message.text)];
    case "assistant":
      return [...toText(message.text), ...message.toolCalls.map(toToolUse)];
    case "tool":
      break;
  }
  return [
    { type: "tool_result", tool_use_id: toId(message.callId), content: toText(message.text) },
  ];
}

/** The API refuses text blocks of nothing but white space. */
function toText(text: string): Anthropic.TextBlockParam[] {
  return text.trim() === "" ? [] : [{ type: "text", text }];
}

function toImage({ mediaType, data }: Image): Anthropic.ImageBlockParam {
  return { type: "image", source: { type: "base64", media_type: mediaType, data } };
}

/** The two are one setting here. */
function toolRules({
  toolChoice,
  parallelToolCalls,
}: ModelRequest): Pick<Anthropic.MessageCreateParamsStreaming, "tool_choice"> {
  if (toolChoice === undefined && parallelToolCalls !== false) return {};
  const single = parallelToolCalls === false ? { disable_parallel_tool_use: true } : {};
  if (toolChoice === undefined) return { tool_choice: { type: "auto", ...single } };
  if (toolChoice === "required") return { tool_choice: { type: "any", ...single } };
  return { tool_choice: { type: "tool", name: toolChoice.name, ...single } };
}

function toToolUse(call: ToolCall): Anthropic.ToolUseBlockParam {
  const input = parseToolInput(call);
  // Malformed input cannot be sent back; the result that follows it says what was wrong.
  return {
    type: "tool_use",
    id: toId(call.id),
    name: call.name,
    input: input.ok ? input.value : {},
  };
}

/** Ids made by another provider's model may have characters that this API refuses. */
function toId(id: string): string {
  return id.replaceAll(/[^A-Za-z0-9_-]/g, "_");
}

function toTool(spec: ToolSpec): Anthropic.Tool {
  return {
    name: spec.name,
    description: spec.description,
    input_schema: { ...spec.parameters, type: "object" },
  };
}
