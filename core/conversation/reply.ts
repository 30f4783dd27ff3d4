/** What people in a chat are told at the end of a turn, and when a failed one is tried again. Pure. */
import { backoffMs } from "../../shared/backoff.ts";
import type { ErrorCode } from "../../shared/errors.ts";
import type { AgentFailed } from "../agents/event.ts";
import type { Answer } from "./turn.ts";

/** Tries of one turn from a chat, the first included. With the waits below, some three minutes. */
export const MAX_TURN_ATTEMPTS = 5;
/** Between two tries: longer than the agent's own, which have failed by then. */
const BACKOFF = { baseMs: 10_000, maxMs: 60_000 };
/** A provider that asks for more patience than this gets none: people are told instead. */
const MAX_PATIENCE_MS = 5 * 60_000;

/** Failures that may be gone in a minute, with what people are told if they are not. */
const PASSING: ReadonlyMap<ErrorCode, string> = new Map([
  ["model_overloaded", "The model is overloaded."],
  ["rate_limited", "The model's provider limits how much we may ask."],
  ["model_timeout", "The model did not answer in time."],
  ["model_failed", "The model's provider failed."],
  ["overloaded", "There is too much to do at the moment."],
]);

export type AfterFailure =
  | { readonly do: "retry"; readonly delayMs: number }
  | { readonly do: "give_up"; readonly text: string };

/**
 * What to do after a turn from a chat failed.
 *
 * @param attempt - 1 for the first try.
 * @param random - Uniform in [0, 1).
 */
export function afterFailure(
  failure: AgentFailed,
  attempt: number,
  random: () => number,
): AfterFailure {
  // Our own doing: the gateway stops, and goes on with this turn after its start.
  if (failure.code === "canceled") return { do: "retry", delayMs: 0 };
  const passing = PASSING.get(failure.code);
  const wishedMs = failure.retryAfterMs ?? 0;
  if (passing !== undefined && attempt < MAX_TURN_ATTEMPTS && wishedMs <= MAX_PATIENCE_MS) {
    // At least half of the ceiling: a quick try was made already, by the agent.
    const pauseMs = backoffMs(attempt - 1, () => 0.5 + random() / 2, BACKOFF);
    return { do: "retry", delayMs: Math.max(wishedMs, pauseMs) };
  }
  return { do: "give_up", text: apology(failure, attempt, passing) };
}

function apology(failure: AgentFailed, attempt: number, passing: string | undefined): string {
  const tries = attempt > 1 ? ` I tried ${attempt} times.` : "";
  const why =
    passing === undefined
      ? `I could not answer this: ${failure.message}.`.replace(/\.\.$/, ".")
      : `${passing}${tries} Please send your message again later.`;
  return failure.partialText.trim() === ""
    ? `⚠️ ${why}`
    : `${failure.partialText.trim()}\n\n⚠️ The answer broke off here. ${why}`;
}

/** With what was thought before it, in a session that wants that told. */
export function replyWithThinking(answer: Answer): string {
  const thought = answer.thinking?.trim() ?? "";
  const text = replyText(answer);
  return thought === "" ? text : `Thinking:\n${quoted(thought)}\n\n${text}`;
}

function quoted(text: string): string {
  return text.replaceAll(/^/gm, "> ");
}

/** The text of a finished turn. Never empty: silence would look like a lost message. */
export function replyText({ text, stop }: Answer): string {
  const said = text.trim();
  if (stop === "max_tokens") {
    return said === ""
      ? "⚠️ The answer grew too long before its first word. Please ask for less at once."
      : `${said}\n\n⚠️ The answer was cut off: it reached the model's length limit.`;
  }
  if (said !== "") return said;
  return stop === "refusal"
    ? "⚠️ The model declined to answer this."
    : "⚠️ The model gave an empty answer.";
}
