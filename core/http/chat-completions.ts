import { setTimeout } from "node:timers/promises";
import type { Logger } from "pino";
import { GatewayError } from "../../shared/errors.ts";
import { openAiError } from "../../shared/problem.ts";
import type { AgentDone, AgentEvent, AgentFailed } from "../agents/event.ts";
import type { Turn } from "../conversation/session.ts";
import { requestSessionKey } from "../store/session-key.ts";
import type { Caller } from "../tunnel/handlers.ts";
import {
  closingChunk,
  completion,
  type CompletionHead,
  deltaChunk,
  openingChunk,
  usageChunk,
} from "./completion.ts";
import { EVENT_STREAM_TYPE, type EventStreams } from "./events.ts";
import { MODEL_HEADER, type ModelIdentity } from "./models.ts";
import { type ChatOrder, parseChatOrder } from "./openai.ts";
import { readJson } from "./read-json.ts";

/**
 * How long a streamed answer waits for the model's first word, so that a refusal can still become
 * an HTTP status. Longer than providers take to refuse, shorter than proxies wait for a first byte.
 */
const COMMIT_AFTER_MS = 10_000;

/** Runs one turn to its `done` or `failed`. Stops when `signal` aborts. Never throws once begun. */
export type RunTurn = (turn: Turn, signal: AbortSignal) => AsyncIterable<AgentEvent>;

export interface ChatParts {
  readonly run: RunTurn;
  readonly model: ModelIdentity;
  readonly streams: EventStreams;
  /** Unix time, milliseconds. */
  readonly now: () => number;
  readonly log: Logger;
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
  const order = parseChatOrder(await readJson(request), parts.model.id);
  const head: CompletionHead = {
    id: `chatcmpl-${crypto.randomUUID()}`,
    created: Math.floor(parts.now() / 1000),
    model: order.model,
    demo: parts.model.demo,
    includeUsage: order.includeUsage,
  };
  const turn = toTurn(order, caller);
  if (order.stream) return streamed(turn, head, request.signal, parts);
  const { text, done } = await collect(parts.run(turn, request.signal));
  return Response.json(completion(head, text, done.stop, done.usage), {
    headers: { [MODEL_HEADER]: done.model },
  });
}

function toTurn(order: ChatOrder, { principal, requestId }: Caller): Turn {
  const { agent, messages, user, temperature, maxOutputTokens } = order;
  const own = principal.scopes.includes("operator");
  // The owner may go on with any conversation; others cannot reach one by naming its user.
  const name = user === undefined || own ? user : `${principal.subject}:${user}`;
  const sessionKey =
    name === undefined
      ? requestSessionKey(agent, crypto.randomUUID())
      : `agent:${agent}:openai-user:${name}`;
  const continues = name !== undefined;
  return { sessionKey, messages, continues, via: "http", temperature, maxOutputTokens, requestId };
}

interface Answer {
  readonly text: string;
  readonly done: AgentDone;
}

async function collect(events: AsyncIterable<AgentEvent>): Promise<Answer> {
  let text = "";
  for await (const event of events) {
    if (event.type === "failed") throw toError(event);
    if (event.type === "done") return { text, done: event };
    if (event.type === "text") text += event.delta;
  }
  throw new GatewayError("model_failed", "The model ended without an answer");
}

async function streamed(
  turn: Turn,
  head: CompletionHead,
  clientGone: AbortSignal,
  { run, model, streams, log }: ChatParts,
): Promise<Response> {
  const stop = new AbortController();
  const onGone = (): void => stop.abort(clientGone.reason);
  if (clientGone.aborted) onGone();
  else clientGone.addEventListener("abort", onGone, { once: true });

  const events = run(turn, stop.signal)[Symbol.asyncIterator]();
  const first = events.next();
  const soon = await withinCommit(first);
  if (soon?.value?.type === "failed") throw toError(soon.value);

  const chunks = toChunks({ head, first, events, log });
  const body = streams.open(chunks, () =>
    stop.abort(new GatewayError("canceled", "The client stopped reading")),
  );
  return new Response(body, {
    headers: {
      "Content-Type": EVENT_STREAM_TYPE,
      "Cache-Control": "no-cache, no-transform",
      // nginx and its kin would hold the words back to send them in bulk.
      "X-Accel-Buffering": "no",
      [MODEL_HEADER]: model.id,
    },
  });
}

type Step = IteratorResult<AgentEvent, undefined>;

/** The first event when it comes before the answer has to begin. */
async function withinCommit(first: Promise<Step>): Promise<Step | undefined> {
  const timer = new AbortController();
  const late = setTimeout(COMMIT_AFTER_MS, undefined, { signal: timer.signal, ref: false });
  // Aborting the timer rejects it, and by then nobody waits for it.
  late.catch(() => undefined);
  try {
    return await Promise.race([first, late]);
  } finally {
    timer.abort();
  }
}

interface ChunkSource {
  readonly head: CompletionHead;
  readonly first: Promise<Step>;
  readonly events: AsyncIterator<AgentEvent, undefined>;
  readonly log: Logger;
}

/** The events as the payloads of a stream. A failure is a payload too: the status is out already. */
async function* toChunks({ head, first, events, log }: ChunkSource): AsyncGenerator<string, void> {
  try {
    yield openingChunk(head);
    for (let step = await first; step.done !== true; step = await events.next()) {
      yield* payloadsOf(step.value, head);
    }
  } catch (err) {
    log.error({ err }, "turn broke off");
    yield JSON.stringify({ error: openAiError(err) });
  } finally {
    await events.return?.();
  }
  yield "[DONE]";
}

function payloadsOf(event: AgentEvent, head: CompletionHead): string[] {
  if (event.type === "text") return [deltaChunk(head, event.delta)];
  if (event.type === "failed") return [JSON.stringify({ error: openAiError(toError(event)) })];
  if (event.type !== "done") return []; // tools are the agent's own affair
  const closing = closingChunk(head, event.stop);
  return head.includeUsage ? [closing, usageChunk(head, event.usage)] : [closing];
}

function toError({ code, message, retryAfterMs }: AgentFailed): GatewayError {
  return new GatewayError(code, message, { retryAfterMs });
}
