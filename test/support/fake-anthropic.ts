import type { IncomingHttpHeaders } from "node:http";
import * as z from "zod";
import { type Answer, type Dialect, type Failure, FakeModel, type Reading } from "./fake-model.ts";

const Text = z.looseObject({ type: z.literal("text"), text: z.string().regex(/\S/) });
const Block = z.discriminatedUnion("type", [
  Text,
  z.looseObject({
    type: z.literal("tool_use"),
    id: z.string().regex(/^[a-zA-Z0-9_-]+$/),
    name: z.string().min(1),
    input: z.record(z.string(), z.unknown()),
  }),
  z.looseObject({
    type: z.literal("tool_result"),
    tool_use_id: z.string(),
    content: z.union([z.string(), z.array(Text)]).optional(),
  }),
]);
type Block = z.output<typeof Block>;

/** What the API insists on; anything else it takes as it comes. */
const Body = z.looseObject({
  model: z.string().min(1),
  max_tokens: z.int().positive(),
  temperature: z.number().min(0).max(1).optional(),
  stream: z.boolean().optional(),
  system: z.string().min(1).optional(),
  messages: z
    .array(
      z.looseObject({
        role: z.enum(["user", "assistant"]),
        content: z.union([z.string().min(1), z.array(Block).min(1)]),
      }),
    )
    .min(1),
});
type Body = z.output<typeof Body>;

const ERROR_TYPES: ReadonlyMap<number, string> = new Map([
  [400, "invalid_request_error"],
  [401, "authentication_error"],
  [402, "billing_error"],
  [403, "permission_error"],
  [404, "not_found_error"],
  [413, "request_too_large"],
  [429, "rate_limit_error"],
  [504, "timeout_error"],
  [529, "overloaded_error"],
]);

/**
 * Anthropic's Messages API.
 * Source: https://platform.claude.com/docs/en/build-with-claude/streaming
 *
 * @param options.apiKey - The only key let in; undefined lets everybody in.
 */
export async function startFakeAnthropic(
  options: { readonly apiKey?: string; readonly port?: number } = {},
): Promise<FakeModel> {
  const fake = new FakeModel(createDialect(options.apiKey), "");
  await fake.listen(options.port);
  return fake;
}

function createDialect(apiKey: string | undefined): Dialect {
  return {
    path: "/v1/messages",
    read: (body, headers) => read(body, headers, apiKey),
    frames,
    errorFrame: (body) => frame("error", body),
    ping: event("ping"),
    document,
    errorBody: (status) => errorBody(status, `fake failure ${status}`),
  };
}

function read(body: unknown, headers: IncomingHttpHeaders, apiKey: string | undefined): Reading {
  const given = headers["x-api-key"] ?? headers.authorization?.replace(/^Bearer /, "");
  if (apiKey !== undefined && given !== apiKey) return refusal(401, "invalid x-api-key");
  if (headers["anthropic-version"] === undefined) {
    return refusal(400, "anthropic-version: header is required");
  }
  const parsed = Body.safeParse(body);
  if (!parsed.success) return refusal(400, z.prettifyError(parsed.error));
  const { messages, model, stream } = parsed.data;
  const complaint = complaintAbout(messages);
  if (complaint !== undefined) return refusal(400, complaint);
  return { kind: "taken", said: lastSaid(messages), stream: stream === true, model };
}

/** The rules between messages: who begins, and that every tool use is followed by its result. */
function complaintAbout(messages: Body["messages"]): string | undefined {
  if (messages[0]?.role !== "user") return 'messages: first message must use the "user" role';
  let uses: string[] = [];
  // One step beyond the last: uses that nothing follows are found there.
  for (let index = 0; index <= messages.length; index += 1) {
    const blocks = blocksOf(messages[index]);
    const results = blocks.flatMap((block) =>
      block.type === "tool_result" ? block.tool_use_id : [],
    );
    if (uses.some((id) => !results.includes(id))) {
      return `messages.${index - 1}: \`tool_use\` ids without \`tool_result\` blocks immediately after`;
    }
    if (results.some((id) => !uses.includes(id))) {
      return `messages.${index}: unexpected \`tool_use_id\` found in \`tool_result\` blocks`;
    }
    uses = blocks.flatMap((block) => (block.type === "tool_use" ? block.id : []));
  }
  return undefined;
}

function blocksOf(message: Body["messages"][number] | undefined): readonly Block[] {
  if (message === undefined) return [];
  return typeof message.content === "string"
    ? [{ type: "text", text: message.content }]
    : message.content;
}

/** The newest text of the user: tool results come as the user's too. */
function lastSaid(messages: Body["messages"]): string {
  const texts = messages
    .filter(({ role }) => role === "user")
    .map((message) =>
      blocksOf(message)
        .map((block) => (block.type === "text" ? block.text : ""))
        .join(""),
    );
  return texts.findLast((text) => text !== "") ?? "";
}

function refusal(status: number, message: string): Failure {
  const headers = { "request-id": "req_fake" };
  return { kind: "fail", status, headers, body: errorBody(status, message) };
}

function errorBody(status: number, message: string): string {
  const type = ERROR_TYPES.get(status) ?? "api_error";
  return JSON.stringify({ type: "error", error: { type, message }, request_id: "req_fake" });
}

function frame(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** One event of the stream: its name is also its `type`. */
function event(type: string, rest: Readonly<Record<string, unknown>> = {}): string {
  return frame(type, { type, ...rest });
}

function frames(answer: Answer): ReturnType<Dialect["frames"]> {
  const message = { ...envelope(answer), content: [], stop_reason: null };
  const usage = { input_tokens: answer.usage.input, output_tokens: 1 };
  const hasText = answer.words.length > 0;
  const begin = event("message_start", { message: { ...message, usage } });
  const text = { type: "text", text: "" };
  return {
    head:
      begin +
      (hasText ? event("content_block_start", { index: 0, content_block: text }) : "") +
      event("ping"),
    words: answer.words.map((word) => delta(0, { type: "text_delta", text: word })),
    tail:
      (hasText ? event("content_block_stop", { index: 0 }) : "") +
      answer.toolCalls.map((call, index) => toolUse(call, index + (hasText ? 1 : 0))).join("") +
      event("message_delta", {
        delta: { stop_reason: stopOf(answer), stop_sequence: null },
        usage: { output_tokens: answer.usage.output },
      }) +
      event("message_stop"),
  };
}

function delta(index: number, change: Readonly<Record<string, unknown>>): string {
  return event("content_block_delta", { index, delta: change });
}

/** Input arrives as JSON text in pieces that break anywhere. */
function toolUse(call: Answer["toolCalls"][number], index: number): string {
  const { id, name, input } = call;
  const half = Math.ceil(input.length / 2);
  return (
    event("content_block_start", {
      index,
      content_block: { type: "tool_use", id, name, input: {} },
    }) +
    ["", input.slice(0, half), input.slice(half)]
      .map((json) => delta(index, { type: "input_json_delta", partial_json: json }))
      .join("") +
    event("content_block_stop", { index })
  );
}

function document(answer: Answer): string {
  const { words, toolCalls, usage } = answer;
  return JSON.stringify({
    ...envelope(answer),
    content: [
      ...(words.length > 0 ? [{ type: "text", text: words.join("") }] : []),
      ...toolCalls.map(({ id, name, input }) => ({
        type: "tool_use",
        id,
        name,
        input: JSON.parse(input),
      })),
    ],
    stop_reason: stopOf(answer),
    usage: { input_tokens: usage.input, output_tokens: usage.output },
  });
}

function envelope(answer: Answer): Readonly<Record<string, unknown>> {
  return {
    id: "msg_fake",
    type: "message",
    role: "assistant",
    model: answer.model,
    stop_sequence: null,
  };
}

function stopOf({ stop, toolCalls }: Answer): string {
  return stop ?? (toolCalls.length > 0 ? "tool_use" : "end_turn");
}
