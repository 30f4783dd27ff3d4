/** Items of the Responses API, read into messages. Pure. */
import * as z from "zod";
import type { Message, ToolCall } from "../../store/message.ts";
import { type Part, readParts, type Said } from "../media.ts";
import { toUser } from "../openai.ts";
import { refusal } from "../refusal.ts";

const ContentPart = z.object({
  type: z.string(),
  text: z.string().optional(),
  refusal: z.string().optional(),
  image_url: z.string().nullish(),
  filename: z.string().nullish(),
  file_data: z.string().nullish(),
});

const Content = z.union([z.string(), z.array(ContentPart)]);
type Content = z.output<typeof Content>;

const FunctionCall = z.object({
  type: z.literal("function_call"),
  call_id: z.string().min(1),
  name: z.string(),
  arguments: z.string(),
});
type FunctionCall = z.output<typeof FunctionCall>;

const SHAPES =
  "must be a message, function_call, function_call_output, reasoning or item_reference";

/** One item of the input. A message may leave out that it is one. */
export const Item = z.union(
  [
    z.object({
      type: z.literal("message").optional(),
      role: z.enum(["user", "assistant", "system", "developer"]),
      content: Content,
    }),
    FunctionCall,
    z.object({
      type: z.literal("function_call_output"),
      call_id: z.string().min(1),
      output: Content,
    }),
    z.object({ type: z.literal("reasoning") }),
    z.object({ type: z.literal("item_reference"), id: z.string() }),
  ],
  { error: SHAPES },
);
export type Item = z.output<typeof Item>;

/**
 * @param items - Without references: they were replaced by what they stand for.
 * @param boundary - Random, for each request: see `readParts`.
 * @throws GatewayError invalid_request that names the item.
 */
export function toMessages(items: readonly Item[], boundary: () => string): Message[] {
  const messages: Message[] = [];
  for (const [index, item] of items.entries()) {
    const path = `input[${index}]`;
    if (item.type === "reasoning" || item.type === "item_reference") continue;
    if (item.type === "function_call") addCall(messages, item);
    else if (item.type === "function_call_output") {
      const text = textOnly(saidIn(item.output, `${path}.output`, boundary), `${path}.output`);
      messages.push({ role: "tool", callId: item.call_id, text });
    } else messages.push(toMessage(item.role, item.content, `${path}.content`, boundary));
  }
  return messages;
}

/** Calls belong to what the assistant said with them. */
function addCall(messages: Message[], { call_id: id, name, arguments: input }: FunctionCall): void {
  const call: ToolCall = { id, name, input };
  const last = messages.at(-1);
  if (last?.role !== "assistant") {
    messages.push({ role: "assistant", text: "", toolCalls: [call] });
    return;
  }
  messages.splice(-1, 1, { ...last, toolCalls: [...last.toolCalls, call] });
}

function toMessage(
  role: "user" | "assistant" | "system" | "developer",
  content: Content,
  path: string,
  boundary: () => string,
): Message {
  const said = saidIn(content, path, boundary);
  if (role === "user") return toUser(said);
  const text = textOnly(said, path);
  if (role === "assistant") return { role, text, toolCalls: [] };
  return { role: "system", text };
}

function textOnly({ text, images }: Said, path: string): string {
  if (images.length > 0) throw refusal(path, "only a user's message may hold images");
  return text;
}

function saidIn(content: Content, path: string, boundary: () => string): Said {
  if (typeof content === "string") return { text: content, images: [] };
  return readParts(content.map(toPart), path, boundary);
}

function toPart(part: z.output<typeof ContentPart>): Part {
  switch (part.type) {
    case "input_text":
    case "output_text":
    case "text":
      if (part.text !== undefined) return { kind: "text", text: part.text };
      break;
    case "refusal":
      if (part.refusal !== undefined) return { kind: "text", text: part.refusal };
      break;
    case "input_image":
      if (typeof part.image_url === "string") return { kind: "image", url: part.image_url };
      return { kind: "unsupported", why: "no files are kept here: send it as `image_url`" };
    case "input_file":
      if (typeof part.file_data === "string") {
        return { kind: "file", name: part.filename ?? undefined, data: part.file_data };
      }
      return { kind: "unsupported", why: "files are not fetched: send it as `file_data`" };
  }
  return {
    kind: "unsupported",
    why: "only input_text, output_text, input_image and input_file parts are understood",
  };
}
