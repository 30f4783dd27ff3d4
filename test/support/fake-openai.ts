import type { IncomingHttpHeaders } from "node:http";
import * as z from "zod";
import { type Answer, type Dialect, type Failure, FakeModel, type Reading } from "./fake-model.ts";

const Content = z.union([
  z.string(),
  z.array(
    z.discriminatedUnion("type", [
      z.looseObject({ type: z.literal("text"), text: z.string() }),
      z.looseObject({ type: z.literal("image_url"), image_url: z.object({ url: z.string() }) }),
    ]),
  ),
]);

/** What the API insists on; anything else it takes as it comes. */
const Body = z.looseObject({
  model: z.string().min(1),
  stream: z.boolean().optional(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).optional(),
  temperature: z.number().min(0).max(2).optional(),
  messages: z
    .array(
      z.discriminatedUnion("role", [
        z.looseObject({ role: z.enum(["system", "developer", "user"]), content: Content }),
        z.looseObject({
          role: z.literal("assistant"),
          content: Content.nullish(),
          tool_calls: z
            .array(
              z.looseObject({
                id: z.string(),
                type: z.literal("function"),
                function: z.looseObject({ name: z.string(), arguments: z.string() }),
              }),
            )
            .min(1)
            .optional(),
        }),
        z.looseObject({ role: z.literal("tool"), tool_call_id: z.string(), content: Content }),
      ]),
    )
    .min(1),
});
type Body = z.output<typeof Body>;
type Sent = Body["messages"][number];

const ERRORS: ReadonlyMap<number, { readonly type: string; readonly code: string | null }> =
  new Map([
    [400, { type: "invalid_request_error", code: null }],
    [401, { type: "invalid_request_error", code: "invalid_api_key" }],
    [404, { type: "invalid_request_error", code: "model_not_found" }],
    [429, { type: "requests", code: "rate_limit_exceeded" }],
  ]);

/** How a compatible server falls short of the real one. */
export interface OpenAiQuirks {
  readonly omitUsage?: boolean;
  readonly omitFinishReason?: boolean;
  readonly omitDone?: boolean;
}

/**
 * OpenAI's chat completions.
 * Source: https://platform.openai.com/docs/api-reference/chat-streaming
 *
 * @param options.apiKey - The only key let in; undefined lets everybody in.
 */
export async function startFakeOpenAi(
  options: {
    readonly apiKey?: string;
    readonly port?: number;
    readonly quirks?: OpenAiQuirks;
  } = {},
): Promise<FakeModel> {
  const fake = new FakeModel(createDialect(options.apiKey, options.quirks ?? {}), "/v1");
  await fake.listen(options.port);
  return fake;
}

function createDialect(apiKey: string | undefined, quirks: OpenAiQuirks): Dialect {
  return {
    path: "/chat/completions",
    read: (body, headers) => read(body, headers, apiKey),
    frames: (answer) => frames(answer, quirks),
    errorFrame: (body) => frame(body),
    // OpenAI itself is silent; OpenRouter sends this comment.
    ping: ": OPENROUTER PROCESSING\n\n",
    document: (answer) => document(answer, quirks),
    errorBody: (status) => errorBody(status, `fake failure ${status}`),
  };
}

function read(body: unknown, headers: IncomingHttpHeaders, apiKey: string | undefined): Reading {
  const given = headers.authorization?.replace(/^Bearer /, "");
  if (apiKey !== undefined && given !== apiKey) {
    return refusal(401, "Incorrect API key provided");
  }
  const parsed = Body.safeParse(body);
  if (!parsed.success) return refusal(400, z.prettifyError(parsed.error));
  const { messages, model, stream } = parsed.data;
  const complaint = complaintAbout(messages);
  if (complaint !== undefined) return refusal(400, complaint);
  return { kind: "taken", said: lastSaid(messages), stream: stream === true, model };
}

/** Every tool call must be answered before anything else is said, and nothing else may be. */
function complaintAbout(messages: readonly Sent[]): string | undefined {
  let open = new Set<string>();
  for (const message of messages) {
    if (message.role === "tool") {
      if (!open.delete(message.tool_call_id)) {
        return "messages with role 'tool' must be a response to a preceding message with 'tool_calls'";
      }
    } else if (open.size > 0) break;
    else if (message.role === "assistant") {
      open = new Set(message.tool_calls?.map(({ id }) => id));
    }
  }
  return open.size === 0 ? undefined : "tool_call_ids did not have response messages";
}

function lastSaid(messages: readonly Sent[]): string {
  const content = messages.findLast(({ role }) => role === "user")?.content ?? "";
  return typeof content === "string"
    ? content
    : content.map((part) => (part.type === "text" ? part.text : "")).join("");
}

function refusal(status: number, message: string): Failure {
  return { kind: "fail", status, headers: {}, body: errorBody(status, message) };
}

function errorBody(status: number, message: string): string {
  const { type, code } = ERRORS.get(status) ?? { type: "server_error", code: null };
  return JSON.stringify({ error: { message, type, param: null, code } });
}

function frame(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

function frames(answer: Answer, quirks: OpenAiQuirks): ReturnType<Dialect["frames"]> {
  const choice = (delta: unknown, finish: string | null = null) =>
    frame({
      ...envelope(answer, "chat.completion.chunk"),
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
      usage: null,
    });
  const usage = {
    ...envelope(answer, "chat.completion.chunk"),
    choices: [],
    usage: usageOf(answer),
  };
  return {
    head: choice({ role: "assistant", content: "", refusal: null }),
    words: answer.words.map((word) => choice({ content: word })),
    tail:
      answer.toolCalls
        .flatMap(toolCallDeltas)
        .map((delta) => choice({ tool_calls: [delta] }))
        .join("") +
      (quirks.omitFinishReason ? "" : choice({}, stopOf(answer))) +
      (quirks.omitUsage ? "" : frame(usage)) +
      (quirks.omitDone ? "" : "data: [DONE]\n\n"),
  };
}

/** The first piece names the call, the others bring its arguments, broken anywhere. */
function toolCallDeltas(call: Answer["toolCalls"][number], index: number): unknown[] {
  const { id, name, input } = call;
  const half = Math.ceil(input.length / 2);
  return [
    { index, id, type: "function", function: { name, arguments: "" } },
    { index, function: { arguments: input.slice(0, half) } },
    { index, function: { arguments: input.slice(half) } },
  ];
}

function document(answer: Answer, quirks: OpenAiQuirks): string {
  const calls = answer.toolCalls.map(({ id, name, input }) => ({
    id,
    type: "function",
    function: { name, arguments: input },
  }));
  const message = {
    role: "assistant",
    content: answer.words.join(""),
    refusal: null,
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  };
  return JSON.stringify({
    ...envelope(answer, "chat.completion"),
    choices: [{ index: 0, message, logprobs: null, finish_reason: stopOf(answer) }],
    ...(quirks.omitUsage ? {} : { usage: usageOf(answer) }),
  });
}

function envelope({ model }: Answer, object: string): Readonly<Record<string, unknown>> {
  return { id: "chatcmpl-fake", object, created: 1_700_000_000, model };
}

function usageOf({ usage }: Answer): Readonly<Record<string, number>> {
  return {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
  };
}

function stopOf({ stop, toolCalls }: Answer): string {
  return stop ?? (toolCalls.length > 0 ? "tool_calls" : "stop");
}
