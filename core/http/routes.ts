/** Every route of the core: the app serves this table, and the OpenAPI document describes it. */
import type { OperatorScope } from "../methods/method.ts";

/** Who may use a route of ours. */
export interface Guard {
  readonly scope: OperatorScope;
  /** Whether a token that is only for chats is enough. */
  readonly chat: boolean;
}

/** Endpoints that the owner may switch off. */
export type Endpoint = "chatCompletions" | "responses";

export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  /** The first is its own, the others are names it has elsewhere. `{model}` may hold slashes. */
  readonly paths: readonly [string, ...string[]];
  /** `open`: to anybody. `own`: the route looks for itself. */
  readonly access: "open" | "own" | Guard;
  readonly endpoint?: Endpoint | undefined;
}

const READ = { scope: "operator.read", chat: true } as const;
const ASK = { scope: "operator.write", chat: true } as const;
const OWNER_READ = { scope: "operator.read", chat: false } as const;
const OWNER_WRITE = { scope: "operator.write", chat: false } as const;

/** Below which path webhooks are posted, unless the config says otherwise. */
export const HOOKS_PATH = "/hooks";

export const ROUTES = {
  getHealth: { method: "GET", paths: ["/health", "/healthz"], access: "open" },
  getStartup: { method: "GET", paths: ["/startup", "/startupz"], access: "open" },
  getReady: { method: "GET", paths: ["/ready", "/readyz"], access: "open" },
  getMetrics: { method: "GET", paths: ["/metrics"], access: "own" },
  postHook: { method: "POST", paths: [`${HOOKS_PATH}/{name}`], access: "own" },

  listModels: { method: "GET", paths: ["/v1/models"], access: READ },
  getModel: { method: "GET", paths: ["/v1/models/{model}"], access: READ },
  createChatCompletion: {
    method: "POST",
    paths: ["/v1/chat/completions"],
    access: ASK,
    endpoint: "chatCompletions",
  },
  createResponse: {
    method: "POST",
    paths: ["/v1/responses", "/response"],
    access: ASK,
    endpoint: "responses",
  },
  getResponse: {
    method: "GET",
    paths: ["/v1/responses/{id}"],
    access: READ,
    endpoint: "responses",
  },
  deleteResponse: {
    method: "DELETE",
    paths: ["/v1/responses/{id}"],
    access: ASK,
    endpoint: "responses",
  },
  cancelResponse: {
    method: "POST",
    paths: ["/v1/responses/{id}/cancel"],
    access: ASK,
    endpoint: "responses",
  },
  createEmbedding: { method: "POST", paths: ["/v1/embeddings"], access: ASK },

  invokeTool: { method: "POST", paths: ["/tools/invoke", "/tool"], access: OWNER_WRITE },
  getStatus: { method: "GET", paths: ["/api/status"], access: OWNER_READ },
  // What a proxy then lets through may be anything: so it takes who may do everything, as at the edge.
  checkAuth: { method: "GET", paths: ["/api/auth/check"], access: OWNER_WRITE },
  getUiConfig: {
    method: "GET",
    paths: ["/control-ui-config.json", "/__openclaw/control-ui-config.json"],
    access: OWNER_READ,
  },
  getOpenApi: { method: "GET", paths: ["/openapi.json", "/api/openapi.json"], access: READ },
} as const satisfies Record<string, Route>;

export type Operation = keyof typeof ROUTES;

/** Those that a caller is checked for before they begin. */
export type GuardedOperation = {
  [Name in Operation]: (typeof ROUTES)[Name]["access"] extends Guard ? Name : never;
}[Operation];

/** By the name of the operation. */
export const ROUTE_TABLE: ReadonlyMap<string, Route> = new Map(Object.entries(ROUTES));

/** What a HEAD-less list of methods means for `Allow`: whoever may GET may HEAD. */
export function allowOf(methods: readonly Route["method"][]): string {
  return methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])).join(", ");
}
