import { openAiError } from "../../shared/problem.ts";
import type { AgentEvent } from "../agents/event.ts";
import type { Turn } from "../conversation/turn.ts";
import type { Caller } from "../tunnel/handlers.ts";
import type { HttpAgents } from "./agents.ts";
import { type AnswerParts, collect, streamed, type Teller, toError } from "./answer.ts";
import {
  callChunk,
  closingChunk,
  completion,
  type CompletionHead,
  deltaChunk,
  openingChunk,
  usageChunk,
} from "./completion.ts";
import { MODEL_HEADER } from "./models.ts";
import { type ChatOrder, parseChatOrder } from "./openai.ts";
import { readJson } from "./read-json.ts";
import { isOwners, placeOf, type Selection, selectionOf } from "./selection.ts";

export interface ChatParts extends AnswerParts {
  readonly agents: HttpAgents;
  /** Unix time, milliseconds. */
  readonly now: () => number;
}

/**
 * Answers `POST /v1/chat/completions`.
 *
 * @throws GatewayError for everything that is known before the first word of the answer.
 */
export async function chatCompletion(
  request: Request,
  caller: Caller,
  parts: ChatParts,
): Promise<Response> {
  const order = parseChatOrder(await readJson(request), () => crypto.randomUUID());
  const selection = selectionOf(request.headers, order.model, caller, parts.agents);
  const { model } = selection.agent;
  const head: CompletionHead = {
    id: `chatcmpl-${crypto.randomUUID()}`,
    created: Math.floor(parts.now() / 1000),
    model: order.model,
    demo: selection.model === undefined && model.demo,
    includeUsage: order.includeUsage,
  };
  const turn = { ...toTurn(order, selection, caller), runId: head.id };
  if (order.stream) {
    return streamed(turn, teller(head), selection.model ?? model.id, request.signal, parts);
  }
  const { text, done } = await collect(parts.run(turn, request.signal));
  const { stop, usage, calls = [] } = done;
  return Response.json(completion(head, { text, stop, usage, calls }), {
    headers: { [MODEL_HEADER]: done.model },
  });
}

function toTurn(order: ChatOrder, selection: Selection, caller: Caller): Turn {
  const { model: _, stream: __, includeUsage: ___, user, ...asked } = order;
  return {
    ...asked,
    ...placeOf(selection, user, caller),
    via: selection.channel ?? "http",
    model: selection.model,
    asOwner: isOwners(selection, caller),
    requestId: caller.requestId,
  };
}

function teller(head: CompletionHead): Teller {
  return {
    opening: () => [openingChunk(head)],
    tell: (event) => chunksOf(event, head),
    broken: (error) => [JSON.stringify({ error: openAiError(error) })],
  };
}

function chunksOf(event: AgentEvent, head: CompletionHead): string[] {
  if (event.type === "text") return [deltaChunk(head, event.delta)];
  if (event.type === "failed") return [JSON.stringify({ error: openAiError(toError(event)) })];
  if (event.type !== "done") return []; // tools of the agent are its own affair
  const { calls = [], stop, usage } = event;
  return [
    ...calls.map((call, index) => callChunk(head, call, index)),
    closingChunk(head, stop),
    ...(head.includeUsage ? [usageChunk(head, usage)] : []),
  ];
}
