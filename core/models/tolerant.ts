/** Asks again without the wishes that a provider refuses, and remembers what it refused. */
import type { ModelEvent, ModelFailure, ModelRequest } from "./model.ts";

/** Wishes that an answer can do without. */
type Wish = "thinking" | "fast";

const WORDS: Readonly<Record<Wish, RegExp>> = {
  thinking: /think|reason|effort|budget/i,
  fast: /service_?tier|speed|fast|priority|beta/i,
};

type Ask = (request: ModelRequest) => AsyncIterable<ModelEvent>;

/** What one model of one provider does not take; found out by asking. */
export class Tolerance {
  readonly #refused = new Set<Wish>();

  /**
   * One answer, asked for a second time when the first was refused for its wishes. Nothing of the
   * first has come out by then.
   */
  ask(given: ModelRequest, ask: Ask): AsyncIterable<ModelEvent> {
    const request = without(given, [...this.#refused]);
    // As most are: then there is nothing to leave out, and no event to look at.
    return wishesOf(request).length === 0 ? ask(request) : this.#askTwice(request, ask);
  }

  async *#askTwice(request: ModelRequest, ask: Ask): AsyncGenerator<ModelEvent> {
    const refusal = yield* firstTry(ask(request));
    if (refusal === undefined) return;
    const culprits = culpritsOf(request, refusal);
    if (culprits.length === 0) {
      yield refusal;
      return;
    }
    for await (const event of ask(without(request, culprits))) {
      // It was the wish indeed: with it, it was refused, and without it there is an answer. A full
      // quota is refilled some day.
      if (event.type === "done" && refusal.code === "invalid_request") {
        for (const wish of culprits) this.#refused.add(wish);
      }
      yield event;
    }
  }
}

/** Yields an answer; returns a failure that came before all else. */
async function* firstTry(
  events: AsyncIterable<ModelEvent>,
): AsyncGenerator<ModelEvent, ModelFailure | undefined> {
  let isFirst = true;
  for await (const event of events) {
    if (event.type === "failed" && isFirst) return event;
    isFirst = false;
    yield event;
  }
  return undefined;
}

/** Those that the refusal may mean: what it names, or else all there were. */
function culpritsOf(request: ModelRequest, { code, message }: ModelFailure): Wish[] {
  // The faster service has a quota of its own.
  if (code === "rate_limited") return request.fast === true ? ["fast"] : [];
  if (code !== "invalid_request") return [];
  const wishes = wishesOf(request);
  const named = wishes.filter((wish) => WORDS[wish].test(message));
  return named.length > 0 ? named : wishes;
}

function wishesOf({ thinking, showThinking, fast }: ModelRequest): Wish[] {
  return [
    ...(thinking !== undefined || showThinking === true ? (["thinking"] as const) : []),
    ...(fast === true ? (["fast"] as const) : []),
  ];
}

function without(request: ModelRequest, wishes: readonly Wish[]): ModelRequest {
  return {
    ...request,
    ...(wishes.includes("thinking") ? { thinking: undefined, showThinking: undefined } : {}),
    ...(wishes.includes("fast") ? { fast: undefined } : {}),
  };
}
