import type { Model, ModelEvent, ModelRequest } from "../../core/models/model.ts";

/** What the model does with one request. */
export type Script = (request: ModelRequest, signal: AbortSignal) => AsyncIterable<ModelEvent>;

/** A model whose answers a test writes. Without a script left it repeats what it was told last. */
export class ScriptedModel implements Model {
  readonly id = "test/scripted";
  readonly demo = false;
  readonly requests: ModelRequest[] = [];
  readonly #scripts: Script[] = [];

  /** The next requests without a script get these. */
  next(...scripts: readonly Script[]): void {
    this.#scripts.push(...scripts);
  }

  async *stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent> {
    this.requests.push(request);
    yield* (this.#scripts.shift() ?? echo)(request, signal);
  }
}

export const echo: Script = async function* (request) {
  yield { type: "text", delta: `echo: ${request.messages.at(-1)?.text}` };
  yield { type: "done", stop: "end", usage: { inputTokens: 3, outputTokens: 2 } };
};

export function says(text: string, stop: "end" | "max_tokens" | "refusal" = "end"): Script {
  return async function* () {
    if (text !== "") yield { type: "text", delta: text };
    yield { type: "done", stop, usage: { inputTokens: 3, outputTokens: 2 } };
  };
}

/** Fails at once. `retryAfterMs` above what the agent itself waits, so that it passes the failure on. */
export function fails(
  code: "model_overloaded" | "model_unauthorized" | "rate_limited" | "model_timeout",
  { retryAfterMs = 30_000, after = "" } = {},
): Script {
  return async function* () {
    if (after !== "") yield { type: "text", delta: after };
    yield { type: "failed", code, message: `${code} happened`, retryAfterMs };
  };
}

/** Says nothing until `gate` opens, or it is aborted. */
export function waitsFor(gate: Promise<void>, then: Script = echo): Script {
  return async function* (request, signal) {
    const aborted = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => aborted.resolve(), { once: true });
    if (signal.aborted) aborted.resolve();
    await Promise.race([gate, aborted.promise]);
    if (!signal.aborted) yield* then(request, signal);
    else yield { type: "failed", code: "canceled", message: "canceled", retryAfterMs: undefined };
  };
}
