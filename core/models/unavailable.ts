import type { Model, ModelFailure } from "./model.ts";

/**
 * A model that is configured and cannot be asked, for want of a key: it says so in place of an
 * answer, so that a gateway without one starts, and the next model of the chain has its turn.
 *
 * @param message - Fit for the user.
 */
export function createUnavailable(id: string, code: ModelFailure["code"], message: string): Model {
  return {
    id,
    demo: false,
    async *stream() {
      yield { type: "failed", code, message, retryAfterMs: undefined };
    },
  };
}
