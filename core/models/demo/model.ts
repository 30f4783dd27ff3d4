import type { Model, ModelEvent } from "../model.ts";
import { DEMO_REF } from "../settings.ts";
import { estimateUsage } from "../tokens.ts";

/** What is repeated of the question: enough to recognise it. */
const MAX_QUOTE_CHARS = 500;

/**
 * The model that is there before any key is: it repeats what it was told, and says what it is.
 * Nothing in it guesses or waits. Its usage is estimated: models/tokens.ts.
 */
export function createDemo(): Model {
  return {
    id: DEMO_REF,
    demo: true,

    async *stream(request, signal): AsyncGenerator<ModelEvent> {
      if (request.format !== undefined) {
        const message = "The demo model only talks: it cannot answer in a given format";
        yield { type: "failed", code: "invalid_request", message, retryAfterMs: undefined };
        return;
      }
      const said = request.messages.findLast(({ role }) => role === "user")?.text ?? "";
      const answer =
        `[demo model] You said: "${clip(said)}". ` +
        "Set ANTHROPIC_API_KEY or OPENAI_API_KEY to talk to a real one.";
      for (const delta of answer.split(/(?<=\s)(?=\S)/)) {
        if (signal.aborted) break;
        yield { type: "text", delta };
      }
      yield signal.aborted
        ? canceled()
        : { type: "done", stop: "end", usage: estimateUsage(request, answer) };
    },
  };
}

function canceled(): ModelEvent {
  const message = "The request was canceled";
  return { type: "failed", code: "canceled", message, retryAfterMs: undefined };
}

function clip(text: string): string {
  if (text.length <= MAX_QUOTE_CHARS) return text;
  // A pair of surrogates cut in half is not a character.
  return `${text.slice(0, MAX_QUOTE_CHARS).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
