import { randomBytes } from "node:crypto";
import { GatewayError } from "../../../shared/errors.ts";
import type { AgentDone } from "../../agents/event.ts";
import { HISTORY_LIMITS, newest, withoutImages } from "../../conversation/history.ts";
import type { Turn } from "../../conversation/turn.ts";
import type { Message } from "../../store/message.ts";
import type { ResponseStore, StoredResponse } from "../../store/response.ts";
import type { Caller } from "../../tunnel/handlers.ts";
import type { HttpAgents } from "../agents.ts";
import { type AnswerParts, collect, streamed, type Teller } from "../answer.ts";
import { thinkingOf } from "../effort.ts";
import { MODEL_HEADER } from "../models.ts";
import { readJson } from "../read-json.ts";
import { refusal } from "../refusal.ts";
import { isOwners, placeOf, type Selection, selectionOf, type SessionPlace } from "../selection.ts";
import { toMessages } from "./items.ts";
import { type Ended, ended, type ResponseHead, responseId } from "./object.ts";
import { resolveReferences } from "./references.ts";
import { parseResponseOrder, type ResponseOrder } from "./request.ts";
import { ResponseEvents } from "./stream.ts";

/** Responses that one goes on from: what the history of a session is cut to. */
const MAX_LINKS = HISTORY_LIMITS.maxMessages;
/** Pictures of one turn that are kept to go on from, in base64: one commit writes them. */
const MAX_KEPT_IMAGE_CHARS = 8 * 1024 * 1024;

export interface ResponseParts extends AnswerParts {
  readonly agents: HttpAgents;
  readonly store: ResponseStore;
  /** Unix time, milliseconds. */
  readonly now: () => number;
}

/**
 * Answers `POST /v1/responses`.
 *
 * @throws GatewayError for everything that is known before the first word of the answer.
 */
export async function createResponse(
  request: Request,
  caller: Caller,
  parts: ResponseParts,
): Promise<Response> {
  const order = parseResponseOrder(await readJson(request));
  const selection = selectionOf(request.headers, order.asked.model, caller, parts.agents);
  const making = await prepare(order, selection, caller, parts);
  const { head, turn } = making;
  if (order.asked.stream === true) {
    const model = selection.model ?? selection.agent.model.id;
    return streamed(turn, tellerOf(making, parts), model, request.signal, parts);
  }
  const { text, done } = await collect(parts.run(turn, request.signal));
  const end = endOf(text, done, parts.now());
  await keep(making, end, done, parts);
  return Response.json(ended(head, end), { headers: { [MODEL_HEADER]: done.model } });
}

interface Making {
  readonly order: ResponseOrder;
  readonly head: ResponseHead;
  readonly turn: Turn;
  readonly owner: string;
  readonly agent: string;
  /** What was said in this turn. */
  readonly news: readonly Message[];
}

async function prepare(
  order: ResponseOrder,
  selection: Selection,
  caller: Caller,
  { store, now }: ResponseParts,
): Promise<Making> {
  const { asked, clientTools, toolChoice, format } = order;
  const owner = caller.principal.subject;
  const previous = await previousOf(order, selection, owner, store);
  const items = await resolveReferences(order.items, owner, store);
  const news = toMessages(items, () => crypto.randomUUID());
  const place = placeAfter(previous, selection, order, caller);
  const before =
    previous === undefined || place.continues
      ? []
      : await store.chain(previous.id, owner, MAX_LINKS);
  const said = [...before, ...news];
  const { maxUnits } = HISTORY_LIMITS;
  const key = randomBytes(16).toString("hex");
  return {
    order,
    owner,
    agent: selection.agent.id,
    news,
    head: {
      key,
      createdAt: Math.floor(now() / 1000),
      asked,
    },
    turn: {
      ...place,
      messages: [
        ...(asked.instructions ? [{ role: "system", text: asked.instructions } as const] : []),
        ...(asked.truncation === "auto" ? newest(said, maxUnits) : said),
      ],
      via: selection.channel ?? "http",
      model: selection.model,
      asOwner: isOwners(selection, caller),
      temperature: asked.temperature ?? undefined,
      maxOutputTokens: asked.max_output_tokens ?? undefined,
      thinking: thinkingOf(asked.reasoning?.effort),
      clientTools,
      toolChoice,
      parallelToolCalls: asked.parallel_tool_calls ?? undefined,
      format,
      runId: responseId(key),
      requestId: caller.requestId,
    },
  };
}

async function previousOf(
  { previous: id }: ResponseOrder,
  { agent }: Selection,
  owner: string,
  store: ResponseStore,
): Promise<StoredResponse | undefined> {
  if (id === undefined) return undefined;
  const previous = await store.find(id, owner);
  const param = "previous_response_id";
  if (previous === undefined) throw refusal(param, "Previous response not found.");
  if (previous.agent !== agent.id) throw refusal(param, "is the response of another agent");
  return previous;
}

function placeAfter(
  previous: StoredResponse | undefined,
  selection: Selection,
  { user }: ResponseOrder,
  caller: Caller,
): SessionPlace {
  // A session that the request names counts for more than the one it would go on with.
  if (previous === undefined || selection.sessionKey !== undefined) {
    return placeOf(selection, user, caller);
  }
  const { sessionKey, continues } = previous;
  return { sessionKey, continues };
}

function endOf(text: string, done: AgentDone, now: number): Ended {
  const { stop, usage, calls = [] } = done;
  return { text, stop, usage, calls, endedAt: Math.floor(now / 1000) };
}

async function keep(
  { order, owner, agent, head, turn, news }: Making,
  end: Ended,
  done: AgentDone,
  { store, now }: ResponseParts,
): Promise<void> {
  if (!order.keep) return;
  await store.save({
    id: responseId(head.key),
    owner,
    agent,
    sessionKey: turn.sessionKey,
    previous: order.previous,
    createdAt: now(),
    messages: [...kept(news), ...done.messages],
    continues: turn.continues,
    body: ended(head, end),
  });
}

function kept(news: readonly Message[]): Message[] {
  const images = news.flatMap((message) => (message.role === "user" ? (message.images ?? []) : []));
  const chars = images.reduce((sum, { data }) => sum + data.length, 0);
  return chars > MAX_KEPT_IMAGE_CHARS ? news.map(withoutImages) : [...news];
}

function tellerOf(making: Making, parts: ResponseParts): Teller {
  const events = new ResponseEvents(making.head);
  let text = "";
  return {
    opening: () => events.opening(),
    async tell(event) {
      if (event.type === "text") {
        text += event.delta;
        return events.text(event.delta);
      }
      if (event.type === "failed") return events.failed(event);
      if (event.type !== "done") return []; // tools of the agent are its own affair
      const end = endOf(text, event, parts.now());
      // Who is told that it is complete may ask for it at once.
      await keep(making, end, event, parts);
      return events.ended(end);
    },
    broken(error) {
      const known = error instanceof GatewayError && error.code !== "internal" ? error : undefined;
      const message = known?.message ?? "Something failed on our side; the log has the details";
      return events.failed({ code: known?.code ?? "internal", message });
    },
  };
}
