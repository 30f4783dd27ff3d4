/** Messages that are for the gateway, not for the agent. Pure. */

/** What is said, in any case, with or without a full stop, to make an agent stop. */
const STOP = /^\/?(?:stop|abort)[.!]?$/i;
const RESET = /^\/(?<reason>new|reset)(?:\s+(?<rest>[^]*))?$/i;

export type ChatCommand =
  | { readonly do: "stop" }
  /** `rest`: what is asked in the new session; empty: nothing. */
  | { readonly do: "reset"; readonly rest: string };

/** Undefined: it is for the agent. Bare words are commands only with their slash. */
export function commandOf(message: string): ChatCommand | undefined {
  const text = message.trim();
  if (text.startsWith("/") && STOP.test(text)) return { do: "stop" };
  const reset = RESET.exec(text);
  return reset === null ? undefined : { do: "reset", rest: reset.groups?.["rest"]?.trim() ?? "" };
}
