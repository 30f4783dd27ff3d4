/** One turn of an agent as the answer to a request: whole, or as it comes. */
import { setTimeout } from "node:timers/promises";
import type { Logger } from "pino";
import { GatewayError } from "../../shared/errors.ts";
import type { AgentDone, AgentEvent, AgentFailed } from "../agents/event.ts";
import type { Turn } from "../conversation/turn.ts";
import { EVENT_STREAM_TYPE, type EventStreams, type EventText } from "./events.ts";
import { MODEL_HEADER } from "./models.ts";

/**
 * How long a streamed answer waits for the model's first word, so that a refusal can still become
 * an HTTP status. Longer than providers take to refuse, shorter than proxies wait for a first byte.
 */
const COMMIT_AFTER_MS = 10_000;

/** Runs one turn to its `done` or `failed`. Stops when `signal` aborts. Never throws once begun. */
export type RunTurn = (turn: Turn, signal: AbortSignal) => AsyncIterable<AgentEvent>;

export interface AnswerParts {
  readonly run: RunTurn;
  readonly streams: EventStreams;
  readonly log: Logger;
}

export interface Answer {
  readonly text: string;
  readonly done: AgentDone;
}

/** @throws GatewayError when the turn failed. */
export async function collect(events: AsyncIterable<AgentEvent>): Promise<Answer> {
  let text = "";
  for await (const event of events) {
    if (event.type === "failed") throw toError(event);
    if (event.type === "done") return { text, done: event };
    if (event.type === "text") text += event.delta;
  }
  throw new GatewayError("model_failed", "The model ended without an answer");
}

/** Makes the texts of a stream out of a turn. */
export interface Teller {
  opening(): readonly EventText[];
  /** What the event is to the client; `failed` is the last, like `done`. */
  tell(event: AgentEvent): readonly EventText[] | Promise<readonly EventText[]>;
  /** When something of ours broke: the status is out already. */
  broken(error: unknown): readonly EventText[];
}

/**
 * Answers with a stream.
 *
 * @param model - Of the agent; another one of its chain may answer in the end.
 * @throws GatewayError for a failure that comes before the stream has to begin.
 */
export async function streamed(
  turn: Turn,
  teller: Teller,
  model: string,
  clientGone: AbortSignal,
  { run, streams, log }: AnswerParts,
): Promise<Response> {
  const stop = new AbortController();
  const onGone = (): void => stop.abort(clientGone.reason);
  if (clientGone.aborted) onGone();
  else clientGone.addEventListener("abort", onGone, { once: true });
  const events = run(turn, stop.signal)[Symbol.asyncIterator]();
  const first = events.next();
  const soon = await withinCommit(first);
  if (soon?.value?.type === "failed") throw toError(soon.value);
  const body = streams.open(texts({ teller, first, events, log }), () =>
    stop.abort(new GatewayError("canceled", "The client stopped reading")),
  );
  return new Response(body, {
    headers: {
      "Content-Type": EVENT_STREAM_TYPE,
      "Cache-Control": "no-cache, no-transform",
      // nginx and its kin would hold the words back to send them in bulk.
      "X-Accel-Buffering": "no",
      [MODEL_HEADER]: model,
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

interface TextSource {
  readonly teller: Teller;
  readonly first: Promise<Step>;
  readonly events: AsyncIterator<AgentEvent, undefined>;
  readonly log: Logger;
}

async function* texts({ teller, first, events, log }: TextSource): AsyncGenerator<EventText, void> {
  try {
    yield* teller.opening();
    for (let step = await first; step.done !== true; step = await events.next()) {
      yield* await teller.tell(step.value);
    }
  } catch (err) {
    log.error({ err }, "turn broke off");
    yield* teller.broken(err);
  } finally {
    await events.return?.();
  }
  yield "[DONE]";
}

export function toError({ code, message, retryAfterMs }: AgentFailed): GatewayError {
  return new GatewayError(code, message, { retryAfterMs });
}
