/** What relays have counted of webhooks: as they said it last, or asked afresh. */
import type { Tunnel } from "../../tunnel/handlers.ts";
import { type RelayWebhooks, relayWebhooks } from "./metrics-relay.ts";

/** By the name of the relay, as it said last, once a minute while it is awake: nothing here wakes one. */
export function lastCounts(tunnel: Tunnel | undefined): ReadonlyMap<string, RelayWebhooks> {
  return new Map(
    (tunnel?.relays ?? []).flatMap(({ name, stats }) => {
      const counts = relayWebhooks(stats);
      return counts === undefined ? [] : [[name, counts] as const];
    }),
  );
}

export interface FreshCounts {
  readonly counts: ReadonlyMap<string, RelayWebhooks>;
  /** Relays that did not answer: theirs are as they said last, up to a minute old. */
  readonly silent: readonly string[];
}

/** Asks every relay, which wakes them: for people. */
export async function freshCounts(tunnel: Tunnel | undefined): Promise<FreshCounts> {
  const relays = tunnel?.relays ?? [];
  const asked = await Promise.all(
    relays.map(async ({ name, connected }) => {
      const answer = connected
        ? await tunnel?.request(name, "GET", "/state").catch(() => undefined) // said by `silent`
        : undefined;
      return [name, relayWebhooks(answer?.body)] as const;
    }),
  );
  const fresh = asked.flatMap(([name, counts]) => {
    return counts === undefined ? [] : [[name, counts] as const];
  });
  return {
    counts: new Map([...lastCounts(tunnel), ...fresh]),
    silent: asked.flatMap(([name, counts]) => (counts === undefined ? [name] : [])),
  };
}
