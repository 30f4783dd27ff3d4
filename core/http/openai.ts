/**
 * The OpenAI chat shapes, read into ours. Pure.
 *
 * Open objects: clients send many settings that an agent has no use for, and sampling hints it
 * does not know are ignored. What would change the meaning of the answer is refused instead.
 * Source: https://platform.openai.com/docs/api-reference/chat/create
 */
import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import type { Message, ToolCall } from "../store/message.ts";

/** The only agent there is. */
export const MAIN_AGENT = "main";
/** How a model name picks an agent; the first three are what the model list shows. */
const AGENT_NAMES: ReadonlySet<string> = new Set(["openclaw", "openclaw/default", MAIN_AGENT]);
const AGENT_PATTERN = /^(?:openclaw[/:]|agent:)(?<agent>[A-Za-z0-9][\w-]{0,63})$/;
/** `user` becomes part of a session key, so it must stay one short line. */
const UserName = z.string().regex(/^\P{Cc}{0,256}$/u, { error: "must be at most 256 characters" });

const Content = z.union(
  [z.string(), z.array(z.object({ type: z.string(), text: z.string().optional() }))],
  { error: "must be text or a list of content parts" },
);
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

const ChatRequest = z.object({
  model: z.string().min(1, { error: "must name a model" }),
  messages: z.array(ChatMessage).min(1, { error: "must hold at least one message" }),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  user: UserName.nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  n: z.int().min(1).max(1, { error: "must be 1: the agent gives one answer" }).nullish(),
  tools: z
    .array(z.unknown())
    .max(0, { error: "must be empty: the agent brings its own" })
    .nullish(),
  response_format: z.object({ type: z.literal("text", { error: 'must be "text"' }) }).nullish(),
});

/** A chat completion that was asked for, in our words. */
export interface ChatOrder {
  /** As the client named it: the answer repeats it. */
  readonly model: string;
  readonly agent: string;
  readonly messages: readonly Message[];
  readonly stream: boolean;
  /** Whether a stream ends with the token counts. */
  readonly includeUsage: boolean;
  /** Names the conversation this goes on with; undefined: a new one. */
  readonly user: string | undefined;
  readonly temperature: number | undefined;
  readonly maxOutputTokens: number | undefined;
}

/**
 * Reads the body of a chat completion.
 *
 * @param served - Id of the model that answers, which is as good a name as the agent's.
 * @throws GatewayError invalid_request or model_not_found, with `param` naming the field at fault.
 */
export function parseChatOrder(body: unknown, served: string): ChatOrder {
  const parsed = ChatRequest.safeParse(body);
  if (!parsed.success) throw refusalOf(parsed.error);
  const { data } = parsed;
  const agent = agentOf(data.model, served);
  const messages = data.messages.map(toMessage);
  if (!messages.some(({ role }) => role === "user")) {
    throw new GatewayError("invalid_request", "Missing user message in `messages`.", {
      param: "messages",
    });
  }
  return {
    model: data.model,
    agent,
    messages,
    stream: data.stream ?? false,
    includeUsage: data.stream_options?.include_usage ?? false,
    // Absent, null and empty all mean that the client names nobody.
    user: data.user === "" ? undefined : (data.user ?? undefined),
    temperature: data.temperature ?? undefined,
    maxOutputTokens: data.max_completion_tokens ?? data.max_tokens ?? undefined,
  };
}

/**
 * The agent that a model name stands for.
 *
 * @throws GatewayError model_not_found
 */
export function agentOf(model: string, served: string): string {
  if (AGENT_NAMES.has(model) || model === served) return MAIN_AGENT;
  const agent = AGENT_PATTERN.exec(model)?.groups?.["agent"];
  if (agent === MAIN_AGENT || agent === "default") return MAIN_AGENT;
  const message =
    agent === undefined
      ? "Invalid `model`. Use `openclaw` or `openclaw/<agentId>`."
      : `Unknown agent '${agent}'.`;
  throw new GatewayError("model_not_found", message, { param: "model" });
}

function toMessage(message: ChatMessage, index: number): Message {
  const text = textOf(message.content ?? "", index);
  switch (message.role) {
    case "system":
    case "developer":
      return { role: "system", text };
    case "user":
      return { role: "user", text };
    case "assistant":
      return { role: "assistant", text, toolCalls: toolCallsOf(message) };
    default:
      return { role: "tool", callId: message.tool_call_id, text };
  }
}

function toolCallsOf({ tool_calls: calls }: z.output<typeof Assistant>): ToolCall[] {
  return (calls ?? []).map(({ id, function: { name, arguments: input } }) => ({ id, name, input }));
}

function textOf(content: Content, index: number): string {
  if (typeof content === "string") return content;
  return content
    .map(({ type, text }, part) => {
      if (type === "text" && text !== undefined) return text;
      throw new GatewayError(
        "invalid_request",
        "Only text is understood: no images, sound or files",
        {
          param: `messages[${index}].content[${part}]`,
        },
      );
    })
    .join("\n");
}

/** The first complaint, with its place; never the value found there. */
function refusalOf({ issues }: z.ZodError): GatewayError {
  const [issue] = issues;
  const param = z.core.toDotPath(issue?.path ?? []);
  const message = `\`${param === "" ? "body" : param}\`: ${issue?.message ?? "Invalid input"}`;
  return new GatewayError("invalid_request", message, { param: param === "" ? undefined : param });
}
