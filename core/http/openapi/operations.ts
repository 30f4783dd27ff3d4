/** What each route does, for people and for programs that read the document. Pure data. */
import type * as z from "zod";
import { EmbeddingRequest } from "../embeddings.ts";
import { ChatRequest } from "../openai.ts";
import { ResponseRequest } from "../responses/request.ts";
import type { Operation } from "../routes.ts";
import { ToolInvocation } from "../tools-invoke.ts";
import type { SchemaName } from "./schemas.ts";

export interface OperationDoc {
  readonly summary: string;
  readonly description?: string;
  readonly tag: "OpenAI" | "Tools" | "Webhooks" | "Operations";
  readonly body?: { readonly schema: z.ZodType; readonly example: object };
  /** Status of success to its body; `none` has none, a media type has one that is no JSON. */
  readonly answers: Readonly<Record<number, SchemaName | "none" | "text/plain">>;
  /** True: with `stream: true` the answer is an event stream. */
  readonly streams?: boolean;
  /** Errors besides those that every guarded route may give. */
  readonly errors?: readonly number[];
  /** Errors that are said otherwise than by a problem document, or may be. */
  readonly refusals?: Readonly<Record<number, SchemaName | "text/plain">>;
}

const MODEL_ERRORS = [404, 429, 502, 503, 504] as const;

export const OPERATIONS = {
  getHealth: {
    summary: "Whether the gateway lives",
    description: "With a token it tells more.",
    tag: "Operations",
    answers: { 200: "Health" },
  },
  getStartup: {
    summary: "Whether the gateway has started",
    tag: "Operations",
    answers: { 200: "Startup", 503: "Startup" },
  },
  getReady: {
    summary: "Whether the gateway takes work",
    tag: "Operations",
    answers: { 200: "Ready", 503: "Ready" },
  },
  getMetrics: {
    summary: "Metrics in Prometheus' text format",
    tag: "Operations",
    answers: { 200: "text/plain" },
    errors: [401, 403, 429],
  },
  postHook: {
    summary: "Take in a webhook",
    description:
      "`agent`, `wake`, or a route of the config; how it is signed is the route's own. Programs with the hooks token are answered in the words of the gateway contract, all other senders by problem documents.",
    tag: "Webhooks",
    answers: { 200: "HookAccepted" },
    errors: [403, 404, 408, 415, 429, 503],
    refusals: { 400: "HookRefused", 401: "text/plain", 405: "text/plain", 413: "HookRefused" },
  },
  listModels: {
    summary: "The agents, as models",
    tag: "OpenAI",
    answers: { 200: "ModelList" },
  },
  getModel: {
    summary: "One agent, as a model",
    tag: "OpenAI",
    answers: { 200: "Model" },
    errors: [404],
  },
  createChatCompletion: {
    summary: "Ask an agent, the chat completions way",
    description:
      "Messages, images and text files as data URLs, tools of the client, streaming. `user` names a session to go on with.",
    tag: "OpenAI",
    body: {
      schema: ChatRequest,
      example: { model: "openclaw", messages: [{ role: "user", content: "Hello" }] },
    },
    answers: { 200: "ChatCompletion" },
    streams: true,
    errors: MODEL_ERRORS,
  },
  createResponse: {
    summary: "Ask an agent, the responses way",
    description:
      "Kept to go on from with `previous_response_id`, unless `store` is false. Nothing is fetched: images and text files come as data URLs.",
    tag: "OpenAI",
    body: { schema: ResponseRequest, example: { model: "openclaw", input: "Hello" } },
    answers: { 200: "Response" },
    streams: true,
    errors: MODEL_ERRORS,
  },
  getResponse: {
    summary: "A response that was kept",
    tag: "OpenAI",
    answers: { 200: "Response" },
    errors: [400, 404],
  },
  deleteResponse: {
    summary: "Forget a response",
    tag: "OpenAI",
    answers: { 200: "DeletedResponse" },
    errors: [404],
  },
  cancelResponse: {
    summary: "Always refused: nothing is made in the background",
    tag: "OpenAI",
    answers: {},
    errors: [400, 404],
  },
  createEmbedding: {
    summary: "Texts as vectors",
    description:
      "`model` is `provider/model`, or an agent's name for the model of `agents.defaults.memorySearch`.",
    tag: "OpenAI",
    body: { schema: EmbeddingRequest, example: { model: "openclaw", input: ["Hello"] } },
    answers: { 200: "EmbeddingList" },
    errors: MODEL_ERRORS,
  },
  invokeTool: {
    summary: "Run a tool of an agent",
    tag: "Tools",
    body: { schema: ToolInvocation, example: { tool: "current_time", args: {} } },
    answers: { 200: "ToolResult" },
    errors: [404, 500],
  },
  getStatus: {
    summary: "How the gateway is",
    tag: "Operations",
    answers: { 200: "Status" },
  },
  checkAuth: {
    summary: "Whether the credential is good for everything",
    description:
      "For `auth_request` of a reverse proxy: 204; 401 for nobody's, 403 for one that may only read or chat.",
    tag: "Operations",
    answers: { 204: "none" },
  },
  getUiConfig: {
    summary: "What a page in a browser starts with",
    tag: "Operations",
    answers: { 200: "UiConfig" },
  },
  getOpenApi: {
    summary: "This document",
    tag: "Operations",
    answers: { 200: "OpenApi" },
  },
} as const satisfies Record<Operation, OperationDoc>;
