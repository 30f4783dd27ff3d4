import type { Usage } from "../store/message.ts";
import type { ModelCall } from "../store/usage.ts";
import type { Embedded, Embedder, EmbedRequest } from "./embedder.ts";
import type { Model, ModelEvent, ModelRequest } from "./model.ts";
import { costOfTokens, type Prices, tokensOf } from "./prices.ts";

type PricesOf = (ref: string) => Prices | undefined;

const NOTHING: Usage = { inputTokens: 0, outputTokens: 0 };

/** Notes every request to the models of a turn: answered or not, retries and fallbacks as well. */
export class Meter {
  readonly #now: () => number;
  #calls: ModelCall[] = [];

  /** @param now - Unix ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * The same models, watched.
   *
   * @param pricesOf - Of `provider/model`; undefined: not known.
   */
  over(models: readonly Model[], pricesOf: PricesOf = () => undefined): Model[] {
    return models.map((model) => ({
      ...model,
      stream: (request, signal) => this.#watch(model, pricesOf, request, signal),
    }));
  }

  /** What was noted since this was last asked. */
  take(): readonly ModelCall[] {
    const calls = this.#calls;
    this.#calls = [];
    return calls;
  }

  async *#watch(
    model: Model,
    pricesOf: PricesOf,
    request: ModelRequest,
    signal: AbortSignal,
  ): AsyncGenerator<ModelEvent> {
    const startedAt = this.#now();
    const tools: string[] = [];
    let isNoted = false;
    const note = (ok: boolean, usage: Usage): void => {
      const at = this.#now();
      const cost = costOfTokens(tokensOf(usage), pricesOf(model.id));
      const durationMs = Math.max(0, at - startedAt);
      this.#calls.push({ at, durationMs, model: model.id, ok, usage, cost, tools });
      isNoted = true;
    };
    try {
      for await (const event of model.stream(request, signal)) {
        if (event.type === "tool_call") tools.push(event.call.name);
        // Before it goes on: whoever has the last event may ask at once.
        if (event.type === "done") note(true, event.usage);
        if (event.type === "failed") note(false, event.usage ?? NOTHING);
        yield event;
      }
    } finally {
      // Whoever asked has left in the middle.
      if (!isNoted) note(false, NOTHING);
    }
  }
}

export interface EmbedderMeter {
  /** Unix ms. */
  readonly now: () => number;
  readonly pricesOf: PricesOf;
  readonly keep: (call: ModelCall) => Promise<void>;
}

/** Embeds, and keeps what that took, whether it did or not. @throws GatewayError as `Embedder` */
export async function embedMetered(
  embedder: Embedder,
  request: EmbedRequest,
  signal: AbortSignal,
  { now, pricesOf, keep }: EmbedderMeter,
): Promise<Embedded> {
  const startedAt = now();
  let usage = NOTHING;
  let ok = false;
  try {
    const embedded = await embedder.embed(request, signal);
    usage = { inputTokens: embedded.inputTokens, outputTokens: 0 };
    ok = true;
    return embedded;
  } finally {
    const at = now();
    const cost = costOfTokens(tokensOf(usage), pricesOf(embedder.id));
    const durationMs = Math.max(0, at - startedAt);
    await keep({ at, durationMs, model: embedder.id, ok, usage, cost, tools: [] });
  }
}
