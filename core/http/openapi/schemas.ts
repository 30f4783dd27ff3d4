/** What answers look like, as JSON Schema. Pure data: what comes in has its schema where it is read. */

type Json = Readonly<Record<string, unknown>>;

const text: Json = { type: "string" };
const count: Json = { type: "integer", minimum: 0 };
const flag: Json = { type: "boolean" };

function object(properties: Json, optional: readonly string[] = []): Json {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", properties, required };
}

function list(items: Json): Json {
  return { type: "array", items };
}

function ref(name: keyof typeof SCHEMAS): Json {
  return { $ref: `#/components/schemas/${name}` };
}

const OPENAI_ERROR = object({
  message: text,
  type: text,
  code: { type: ["string", "null"] },
  param: { type: ["string", "null"] },
});

const MODEL = object({
  id: text,
  object: { const: "model" },
  created: count,
  owned_by: text,
  permission: list({}),
  sallyport: object({ agent: text, name: text, model: text, demo: flag }),
});

const TOOL_CALL = object({
  id: text,
  type: { const: "function" },
  function: object({ name: text, arguments: text }),
});

const USAGE = object({ prompt_tokens: count, completion_tokens: count, total_tokens: count });

const MESSAGE_ITEM = object({
  id: text,
  type: { const: "message" },
  role: { const: "assistant" },
  status: { enum: ["in_progress", "completed", "incomplete"] },
  content: list(object({ type: { const: "output_text" }, text, annotations: list({}) })),
});

const CALL_ITEM = object({
  id: text,
  type: { const: "function_call" },
  call_id: text,
  name: text,
  arguments: text,
  status: { enum: ["in_progress", "completed", "incomplete"] },
});

export const SCHEMAS = {
  /** RFC 9457; below `/v1/` with the object that OpenAI's clients read. */
  Problem: object(
    {
      type: text,
      title: text,
      status: { type: "integer" },
      detail: text,
      code: text,
      hop: { enum: ["edge", "relay", "core", "app"] },
      retrySafe: flag,
      requestId: text,
      error: OPENAI_ERROR,
    },
    ["error"],
  ),
  ToolProblem: {
    allOf: [
      { $ref: "#/components/schemas/ProblemFacts" },
      object({ ok: { const: false }, error: object({ type: text, message: text }) }),
    ],
  },
  ProblemFacts: object({
    type: text,
    title: text,
    status: { type: "integer" },
    detail: text,
    code: text,
    requestId: text,
  }),
  Health: object({ ok: { const: true }, status: { enum: ["live", "standby"] } }),
  Startup: object({ ok: flag, status: { enum: ["started", "draining"] } }),
  Ready: object({ ready: flag, failing: list(text), uptimeMs: count, eventLoop: object({}) }, [
    "failing",
    "uptimeMs",
    "eventLoop",
  ]),
  Model: MODEL,
  ModelList: object({ object: { const: "list" }, data: list(MODEL) }),
  ChatCompletion: object({
    id: text,
    object: { const: "chat.completion" },
    created: count,
    model: text,
    system_fingerprint: { type: ["string", "null"] },
    choices: list(
      object({
        index: count,
        message: object(
          {
            role: { const: "assistant" },
            content: { type: ["string", "null"] },
            refusal: { type: "null" },
            tool_calls: list(TOOL_CALL),
          },
          ["tool_calls"],
        ),
        logprobs: { type: "null" },
        finish_reason: { enum: ["stop", "length", "tool_calls", "content_filter"] },
      }),
    ),
    usage: USAGE,
  }),
  Response: object({
    id: text,
    object: { const: "response" },
    created_at: count,
    status: { enum: ["in_progress", "completed", "incomplete", "failed"] },
    error: { anyOf: [{ type: "null" }, object({ code: text, message: text })] },
    incomplete_details: { anyOf: [{ type: "null" }, object({ reason: text })] },
    model: text,
    output: list({ anyOf: [MESSAGE_ITEM, CALL_ITEM] }),
    previous_response_id: { type: ["string", "null"] },
    metadata: { type: "object", additionalProperties: text },
    usage: {
      anyOf: [
        { type: "null" },
        object({ input_tokens: count, output_tokens: count, total_tokens: count }),
      ],
    },
  }),
  DeletedResponse: object({ id: text, object: { const: "response" }, deleted: { const: true } }),
  EmbeddingList: object({
    object: { const: "list" },
    data: list(
      object({
        object: { const: "embedding" },
        index: count,
        embedding: { anyOf: [list({ type: "number" }), text] },
      }),
    ),
    model: text,
    usage: object({ prompt_tokens: count, total_tokens: count }),
  }),
  ToolResult: object({
    ok: { const: true },
    result: object({ content: list(object({ type: { const: "text" }, text })) }),
  }),
  HookAccepted: object({ ok: flag }),
  HookRefused: object({ ok: { const: false }, error: text }),
  Status: { type: "object" },
  UiConfig: object({
    basePath: text,
    assistantName: text,
    assistantAvatar: { type: ["string", "null"] },
    assistantAgentId: text,
    serverVersion: text,
    serverBuildId: text,
  }),
  OpenApi: object({ openapi: text, info: { type: "object" }, paths: { type: "object" } }),
} as const satisfies Readonly<Record<string, Json>>;

export type SchemaName = keyof typeof SCHEMAS;
export const refTo = ref;
