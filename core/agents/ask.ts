/** One answer of a model: the chain is walked, and failures are retried, until there is one. */
import type { Model, ModelFailure, ModelRequest, StopReason } from "../models/model.ts";
import type { ThoughtBlock, ToolCall, Usage } from "../store/message.ts";
import { afterFailure } from "./retry.ts";

/** Waits; may settle early, or reject, when `signal` aborts. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<unknown>;

export interface AskContext {
  readonly signal: AbortSignal;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly sleep: Sleep;
}

export interface Answer {
  readonly type: "answer";
  readonly text: string;
  readonly calls: readonly ToolCall[];
  /** What it thought, to be handed back with the results of the calls. */
  readonly thoughts: readonly ThoughtBlock[];
  readonly stop: StopReason;
  readonly usage: Usage;
  /** Id of the model that answered. */
  readonly model: string;
  /** What is left of the chain: the model that answered, and those behind it. */
  readonly models: readonly Model[];
}

interface Text {
  /** `thinking`: no part of the answer. */
  readonly type: "text" | "thinking";
  readonly delta: string;
}

/**
 * Asks the first of `models`, again where that helps, and the others when it does not. Yields the
 * text as it comes and returns the answer, or the last failure.
 *
 * @param request - What a model is asked: not every one of a chain may use the same tools.
 */
export async function* ask(
  models: readonly Model[],
  request: (model: Model) => ModelRequest,
  context: AskContext,
): AsyncGenerator<Text, Answer | ModelFailure> {
  let left = models;
  let attempt = 0;
  for (;;) {
    const outcome = yield* askOnce(left, request, context.signal);
    if (outcome.type === "answer") return outcome;
    const { said, failure } = outcome;
    const step = afterFailure(failure, { attempt, said, hasNext: left.length > 1 }, context.random);
    if (step.action === "give_up") return failure;
    if (step.action === "next_model") {
      left = left.slice(1);
      attempt = 0;
    } else {
      attempt += 1;
      await pause(step.delayMs, context);
    }
    if (context.signal.aborted) return failed("canceled", "The request was canceled");
  }
}

interface Unanswered {
  readonly type: "unanswered";
  readonly said: boolean;
  readonly failure: ModelFailure;
}

async function* askOnce(
  models: readonly Model[],
  request: (model: Model) => ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<Text, Answer | Unanswered> {
  const [model] = models;
  let text = "";
  const calls: ToolCall[] = [];
  const thoughts: ThoughtBlock[] = [];
  const unanswered = (failure: ModelFailure): Unanswered => ({
    type: "unanswered",
    said: text !== "",
    failure,
  });
  if (model === undefined) return unanswered(failed("model_not_found", "No model is configured"));
  for await (const event of model.stream(request(model), signal)) {
    if (event.type === "text" || event.type === "thinking") {
      if (event.type === "text") text += event.delta;
      yield event;
    } else if (event.type === "tool_call") calls.push(event.call);
    else if (event.type === "thought") thoughts.push(event.block);
    else if (event.type === "failed") return unanswered(event);
    else {
      const { stop, usage } = event;
      return { type: "answer", text, calls, thoughts, stop, usage, model: model.id, models };
    }
  }
  return unanswered(failed("model_failed", `${model.id} ended without an answer`));
}

async function pause(ms: number, { sleep, signal }: AskContext): Promise<void> {
  try {
    await sleep(ms, signal);
  } catch (error) {
    // Timers reject when they are aborted: that is not a failure, the caller looks at the signal.
    if (!signal.aborted) throw error;
  }
}

function failed(code: ModelFailure["code"], message: string): ModelFailure {
  return { type: "failed", code, message, retryAfterMs: undefined };
}
