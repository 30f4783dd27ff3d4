import { GatewayError } from "../../../shared/errors.ts";
import type { Store } from "../../store/store.ts";

/** Probes come from strangers too, and each proof costs a wait for the disk. */
const PROVE_EVERY_MS = 1_000;

/**
 * Tells whether a change would be saved, by saving one: a full disk looks well until it is written
 * to. At most once a second; who asks in between gets the same answer.
 */
export function storeProbe(store: Pick<Store, "set">, now: () => number): () => Promise<boolean> {
  let askedAt = Number.NEGATIVE_INFINITY;
  let answer = Promise.resolve(true);

  async function prove(): Promise<boolean> {
    try {
      await store.set("probe", String(now()));
      return true;
    } catch (error) {
      if (error instanceof GatewayError) return false; // full, failing, too slow, or closed
      throw error;
    }
  }

  return () => {
    if (now() - askedAt >= PROVE_EVERY_MS) {
      askedAt = now();
      answer = prove();
    }
    return answer;
  };
}
