/** The routes that a caller is checked for. What few clients use is loaded when the first does. */
import { GatewayError } from "../../shared/errors.ts";
import type { ToolInvoker } from "../agents/tools/invoke.ts";
import type { ResponseStore } from "../store/response.ts";
import type { Caller } from "../tunnel/handlers.ts";
import type { HttpAgents } from "./agents.ts";
import type { AnswerParts } from "./answer.ts";
import type { EmbeddingParts } from "./embeddings.ts";
import { describeModel, listModels } from "./models.ts";
import type { Endpoint, GuardedOperation } from "./routes.ts";

export interface ApiParts extends AnswerParts {
  readonly agents: HttpAgents;
  readonly responses: ResponseStore;
  readonly embedding: Omit<EmbeddingParts, "agents">;
  readonly tools: Pick<ToolInvoker, "invoke">;
  readonly status: () => object | Promise<object>;
  /** What a page in a browser starts with. */
  readonly uiConfig: () => object;
  /** Which endpoints are on now. */
  readonly endpoints: () => Readonly<Record<Endpoint, boolean>>;
  readonly version: string;
  readonly hooksPath: string;
  /** Unix time, milliseconds. */
  readonly now: () => number;
}

/** @param param - What stands in the path for its `{…}`; empty when there is none. */
export type Handler = (
  request: Request,
  caller: Caller,
  param: string,
) => Response | Promise<Response>;

const FRESH = { headers: { "Cache-Control": "no-store" } };

export function apiHandlers(parts: ApiParts): Readonly<Record<GuardedOperation, Handler>> {
  const { agents, responses, log, tools } = parts;
  return {
    listModels() {
      checkAnyAnswers(parts);
      return Response.json(listModels(agents));
    },
    getModel(_request, _caller, model) {
      checkAnyAnswers(parts);
      return Response.json(describeModel(model, agents));
    },
    async createChatCompletion(request, caller) {
      const { chatCompletion } = await import("./chat-completions.ts");
      return chatCompletion(request, caller, parts);
    },
    async createResponse(request, caller) {
      const { createResponse } = await import("./responses/create.ts");
      return createResponse(request, caller, { ...parts, store: responses });
    },
    async getResponse(request, caller, id) {
      const { retrieveResponse } = await import("./responses/stored.ts");
      return retrieveResponse(id, request, caller, responses);
    },
    async deleteResponse(_request, caller, id) {
      const { deleteResponse } = await import("./responses/stored.ts");
      return deleteResponse(id, caller, responses);
    },
    async cancelResponse(_request, caller, id) {
      const { cancelResponse } = await import("./responses/stored.ts");
      return cancelResponse(id, caller, responses);
    },
    async createEmbedding(request, caller) {
      const { createEmbedding } = await import("./embeddings.ts");
      return createEmbedding(request, caller, { ...parts.embedding, agents });
    },
    async invokeTool(request, caller) {
      const { invokeOverHttp } = await import("./tools-invoke.ts");
      return invokeOverHttp(request, caller, { tools, log });
    },
    getStatus: async () => Response.json(await parts.status(), FRESH),
    // For `auth_request` of nginx and its kin: all that counts is the status.
    checkAuth: () => new Response(null, { status: 204, ...FRESH }),
    getUiConfig: () => Response.json(parts.uiConfig(), FRESH),
    async getOpenApi() {
      const { openApiDocument } = await import("./openapi/document.ts");
      return Response.json(openApiDocument(parts));
    },
  };
}

/** Where nobody can be asked there are no models. @throws GatewayError not_found */
function checkAnyAnswers({ endpoints }: ApiParts): void {
  const { chatCompletions, responses } = endpoints();
  if (!chatCompletions && !responses) throw new GatewayError("not_found", "No such route");
}
