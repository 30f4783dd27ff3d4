import type { Usage } from "../store/message.ts";
import type { ModelEvent } from "./model.ts";

/**
 * Turns the parsed events of one provider's stream into ours. One reader per answer; pure but for
 * what it remembers of the events before.
 */
export interface ReplyReader {
  /** @throws GatewayError `bad_response` for an event that breaks the provider's own format. */
  push(event: unknown): ModelEvent[];
  /** Called once, after the last event: the rest of the answer and its `done`; none when it was cut. */
  end(): ModelEvent[];
  /** What the provider has counted so far: of an answer that was cut. Undefined: nothing. */
  spent(): Usage | undefined;
}
