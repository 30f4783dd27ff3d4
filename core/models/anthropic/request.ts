/** Our request -> the body of Anthropic's Messages API. Pure. */
import type Anthropic from "@anthropic-ai/sdk";
import type { Image, Message, ThoughtBlock, ToolCall } from "../../store/message.ts";
import type { ModelRequest, ToolSpec } from "../model.ts";
import type { AdapterSettings } from "../settings.ts";
import { parseToolInput } from "../tool-input.ts";
import { thinkingFields, traitsOf } from "./thinking.ts";

type Block = Anthropic.ContentBlockParam;

/**
 * Source: https://platform.claude.com/docs/en/api/messages
 *
 * @param id - Of the model, as thoughts name it that are handed back to it.
 */
export function toParams(
  model: string,
  request: ModelRequest,
  id = model,
): Anthropic.MessageCreateParamsStreaming {
  const system = request.messages.filter(({ role }) => role === "system").map(({ text }) => text);
  const hasTools = request.tools.length > 0;
  const choice = hasTools ? toolChoice(request) : undefined;
  const { effort, ...fields } = thinkingFields(traitsOf(model), request, choice, id);
  // Without thinking the thoughts of before are of no use, and some models refuse them.
  const thinks = fields.thinking?.type !== "disabled" && fields.thinking?.type !== "between_tools";
  return {
    model,
    stream: true,
    ...fields,
    messages: toMessages(request.messages, thinks ? id : undefined),
    ...(system.length > 0 ? { system: system.join("\n\n") } : {}),
    ...(hasTools ? { tools: request.tools.map(toTool) } : {}),
    ...outputConfig(request, effort),
  };
}

/** Only at the vendor's own address: others do not know these fields. */
export function serviceOf(
  { model, baseUrl }: Pick<AdapterSettings, "model" | "baseUrl">,
  { fast }: Pick<ModelRequest, "fast">,
): Pick<Anthropic.MessageCreateParamsStreaming, "speed" | "service_tier"> {
  if (fast !== true || URL.parse(baseUrl)?.hostname !== "api.anthropic.com") return {};
  const { fast: service } = traitsOf(model);
  if (service === "none") return {};
  return service === "speed" ? { speed: "fast" } : { service_tier: "auto" };
}

function outputConfig(
  { format }: ModelRequest,
  effort: Anthropic.OutputConfig["effort"],
): Pick<Anthropic.MessageCreateParamsStreaming, "output_config"> {
  const isSchema = format?.type === "json_schema";
  if (!isSchema && effort === undefined) return {};
  return {
    output_config: {
      ...(effort === undefined ? {} : { effort }),
      ...(isSchema ? { format: { type: "json_schema", schema: { ...format.schema } } } : {}),
    },
  };
}

/** Neighbours of one role become one message: the roles must alternate, tool results are the user's. */
function toMessages(
  messages: readonly Message[],
  thinker: string | undefined,
): Anthropic.MessageParam[] {
  const turns: { role: "user" | "assistant"; content: Block[] }[] = [];
  for (const message of messages) {
    const content = toBlocks(message, thinker);
    if (content.length === 0) continue;
    const role = message.role === "assistant" ? "assistant" : "user";
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...content);
    else turns.push({ role, content });
  }
  return turns;
}

function toBlocks(message: Message, thinker: string | undefined): Block[] {
  switch (message.role) {
    case "system":
      return [];
    case "user":
      return [...(message.images ?? []).map(toImage), ...toText(message.text)];
    case "assistant":
      return [
        // Exactly as they came, before all else: the API checks their seals.
        ...(message.thoughts ?? []).flatMap((thought) => toThought(thought, thinker)),
        ...toText(message.text),
        ...message.toolCalls.map(toToolUse),
      ];
    case "tool":
      break;
  }
  return [
    { type: "tool_result", tool_use_id: toId(message.callId), content: toText(message.text) },
  ];
}

/** Thoughts are bound to the model that had them. */
function toThought(
  { model, kind, text, seal }: ThoughtBlock,
  thinker: string | undefined,
): Block[] {
  if (model !== thinker || kind === "plain") return [];
  if (kind === "redacted") return [{ type: "redacted_thinking", data: seal }];
  return [{ type: "thinking", thinking: text, signature: seal }];
}

/** The API refuses text blocks of nothing but white space. */
function toText(text: string): Anthropic.TextBlockParam[] {
  return text.trim() === "" ? [] : [{ type: "text", text }];
}

function toImage({ mediaType, data }: Image): Anthropic.ImageBlockParam {
  return { type: "image", source: { type: "base64", media_type: mediaType, data } };
}

/** The two are one setting here. */
function toolChoice({
  toolChoice: wanted,
  parallelToolCalls,
}: ModelRequest): Anthropic.MessageCreateParamsStreaming["tool_choice"] {
  if (wanted === undefined && parallelToolCalls !== false) return undefined;
  const single = parallelToolCalls === false ? { disable_parallel_tool_use: true } : {};
  if (wanted === undefined) return { type: "auto", ...single };
  if (wanted === "required") return { type: "any", ...single };
  return { type: "tool", name: wanted.name, ...single };
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
