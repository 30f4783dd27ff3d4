/**
 * The OpenAI chat shapes, read into ours. Pure.
 *
 * Open objects: clients send many settings that an agent has no use for, and sampling hints it
 * does not know are ignored. What would change the meaning of the answer is refused instead.
 * Source: https://platform.openai.com/docs/api-reference/chat/create
 */
import * as z from "zod";
import type { AnswerFormat, Thinking } from "../models/model.ts";
import type { Message, ToolCall } from "../store/message.ts";
import { answerFormat, ChatFormat } from "./answer-format.ts";
import { ChatToolChoice, ChatTools, type ClientTools, clientTools } from "./client-tools.ts";
import { type Part, readParts, type Said } from "./media.ts";
import { Effort, thinkingOf } from "./effort.ts";
import { parseBody, refusal } from "./refusal.ts";

/** `user` becomes part of a session key, so it must stay one short line. */
export const UserName = z
  .string()
  .regex(/^\P{Cc}{0,256}$/u, { error: "must be at most 256 characters" });

const ContentPart = z.object({
  type: z.string(),
  text: z.string().optional(),
  image_url: z.union([z.string(), z.object({ url: z.string() })]).optional(),
  file: z
    .object({
      filename: z.string().nullish(),
      file_data: z.string().nullish(),
      file_id: z.string().nullish(),
    })
    .optional(),
});

const Content = z.union([z.string(), z.array(ContentPart)], {
  error: "must be text or a list of content parts",
});
type Content = z.output<typeof Content>;

const Assistant = z.object({
  role: z.literal("assistant"),
  content: Content.nullish(),
  tool_calls: z
    .array(
      z.object({
        id: z.string(),
        function: z.object({ name: z.string(), arguments: z.string() }),
      }),
    )
    .nullish(),
});

const ChatMessage = z.discriminatedUnion("role", [
  z.object({ role: z.literal(["system", "developer", "user"]), content: Content }),
  Assistant,
  z.object({ role: z.literal("tool"), tool_call_id: z.string(), content: Content }),
]);
type ChatMessage = z.output<typeof ChatMessage>;

const LEGACY = "is no longer understood: use `tools` and `tool_choice`";

export const ChatRequest = z.object({
  model: z.string().min(1, { error: "must name a model" }),
  messages: z.array(ChatMessage).min(1, { error: "must hold at least one message" }),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  user: UserName.nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  n: z.int().min(1).max(1, { error: "must be 1: the agent gives one answer" }).nullish(),
  tools: ChatTools.nullish(),
  tool_choice: ChatToolChoice.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: ChatFormat.nullish(),
  reasoning_effort: Effort.nullish(),
  functions: z.null({ error: LEGACY }).optional(),
  function_call: z.null({ error: LEGACY }).optional(),
});

/** A chat completion that was asked for, in our words. */
export interface ChatOrder extends ClientTools {
  /** As the client named it: the answer repeats it. */
  readonly model: string;
  readonly messages: readonly Message[];
  readonly stream: boolean;
  /** Whether a stream ends with the token counts. */
  readonly includeUsage: boolean;
  readonly user: string | undefined;
  readonly temperature: number | undefined;
  readonly maxOutputTokens: number | undefined;
  readonly parallelToolCalls: boolean | undefined;
  readonly format: AnswerFormat | undefined;
  readonly thinking: Thinking | undefined;
}

/**
 * @param boundary - Random, for each request: see `readParts`.
 * @throws GatewayError invalid_request that names the field.
 */
export function parseChatOrder(body: unknown, boundary: () => string): ChatOrder {
  const data = parseBody(ChatRequest, body);
  const messages = data.messages.map((message, index) => toMessage(message, index, boundary));
  if (!messages.some(({ role }) => role === "user")) {
    throw refusal("messages", "Missing user message in `messages`.");
  }
  return {
    model: data.model,
    messages,
    stream: data.stream === true,
    includeUsage: data.stream_options?.include_usage === true,
    // Absent, null and empty all mean that the client names nobody.
    user: data.user === "" ? undefined : given(data.user),
    temperature: given(data.temperature),
    maxOutputTokens: given(data.max_completion_tokens ?? data.max_tokens),
    ...toolsIn(data),
    parallelToolCalls: given(data.parallel_tool_calls),
    format: answerFormat(data.response_format),
    thinking: thinkingOf(data.reasoning_effort),
  };
}

/** Absent and null are the same to the clients of this API. */
export function given<Value>(value: Value | null | undefined): Value | undefined {
  return value ?? undefined;
}

function toolsIn({ tools, tool_choice: choice }: z.output<typeof ChatRequest>): ClientTools {
  const functions = tools?.map((tool) => tool.function) ?? [];
  const named = typeof choice === "object" && choice !== null;
  return clientTools(functions, named ? { name: choice.function.name } : given(choice));
}

function toMessage(message: ChatMessage, index: number, boundary: () => string): Message {
  const said = saidIn(message.content ?? "", `messages[${index}].content`, boundary);
  if (message.role === "user") return toUser(said);
  if (said.images.length > 0) {
    throw refusal(`messages[${index}].content`, "only a user's message may hold images");
  }
  const { text } = said;
  if (message.role === "assistant") {
    return { role: "assistant", text, toolCalls: toolCallsOf(message) };
  }
  if (message.role === "tool") return { role: "tool", callId: message.tool_call_id, text };
  return { role: "system", text };
}

/** Without a field for images when there are none. */
export function toUser({ text, images }: Said): Message {
  return images.length === 0 ? { role: "user", text } : { role: "user", text, images };
}

function toolCallsOf({ tool_calls: calls }: z.output<typeof Assistant>): ToolCall[] {
  return (calls ?? []).map(({ id, function: { name, arguments: input } }) => ({ id, name, input }));
}

function saidIn(content: Content, path: string, boundary: () => string): Said {
  if (typeof content === "string") return { text: content, images: [] };
  return readParts(content.map(toPart), path, boundary);
}

function toPart({ type, text, image_url: image, file }: z.output<typeof ContentPart>): Part {
  if (type === "text" && text !== undefined) return { kind: "text", text };
  if (type === "image_url" && image !== undefined) {
    return { kind: "image", url: typeof image === "string" ? image : image.url };
  }
  if (type === "file" && file !== undefined) {
    const { file_data: data, filename } = file;
    if (typeof data === "string") return { kind: "file", name: filename ?? undefined, data };
    return { kind: "unsupported", why: "no files are kept here: send it as `file_data`" };
  }
  return { kind: "unsupported", why: "only text, image_url and file parts are understood" };
}
