/** Answers that say there is nothing to say. Pure. */

const HEARTBEAT_OK = "HEARTBEAT_OK";
const NO_REPLY = "NO_REPLY";

/** What may stand beside an acknowledgement without being worth a message. */
export const ACK_MAX_CHARS = 300;

/** What is left of an answer for people, and why when it is nothing. */
export type Said =
  | { readonly text: string }
  | { readonly text: undefined; readonly reason: "no-reply" | "heartbeat-ack" | "empty" };

/**
 * An acknowledgement counts at the beginning or the end of an answer, whatever markup surrounds it;
 * in the middle of one it is a word like any other.
 *
 * @param ackMaxChars - Beside a heartbeat's acknowledgement this much is dropped with it.
 */
export function saidOf(answer: string, ackMaxChars = ACK_MAX_CHARS): Said {
  const text = answer.trim();
  if (text === "") return { text: undefined, reason: "empty" };
  if (bare(text) === NO_REPLY) return { text: undefined, reason: "no-reply" };
  const rest = withoutAck(text);
  if (rest === undefined) return { text };
  return rest.length <= ackMaxChars ? { text: undefined, reason: "heartbeat-ack" } : { text: rest };
}

function bare(text: string): string {
  return text.replace(/^[\s*_`~"'([]+|[\s*_`~"')\].!]+$/g, "");
}

/** Undefined: there is none. */
function withoutAck(text: string): string | undefined {
  const first = /^[\s*_`~"'([]*HEARTBEAT_OK\b[*_`~"')\].!]*/;
  const last = /[*_`~"'([]*\bHEARTBEAT_OK[\s*_`~"')\].!]*$/;
  if (!text.includes(HEARTBEAT_OK)) return undefined;
  const rest = text.replace(first, "").replace(last, "");
  return rest === text ? undefined : rest.trim();
}
