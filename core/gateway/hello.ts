import { EVENTS } from "../methods/events.ts";
import type { Methods } from "../methods/method.ts";
import { LIMITS } from "../../shared/limits.ts";
import type { Origin } from "./auth.ts";
import { PROTOCOL_VERSION } from "./frames.ts";
import type { Session } from "./handshake.ts";

/** How often clients of our own port hear from us; two of these without a sign, and we are dead. */
export const TICK_INTERVAL_MS = 30_000;
/**
 * The same for clients at the edge, who get no ticks: each would cross the tunnel and wake the
 * relay, for all of them, for ever. Clients believe the interval they are greeted with
 * (`policy.tickIntervalMs` in @openclaw/gateway-client, where any message counts as a sign), so
 * they are told one that never ends in practice. Twice eleven days still fit the 32 bits of a timer
 * in every language. A relay that goes closes its sockets, and a line that went dead shows at the
 * next request.
 */
export const EDGE_TICK_INTERVAL_MS = 1_000_000_000;

/** What clients may count on beside the methods; names of the contract. */
const CAPABILITIES = ["published-model-catalog"] as const;

/** What the greeting tells of the gateway. */
export interface HelloSource {
  readonly methods: Methods;
  readonly snapshot: () => object;
  readonly version: string;
}

/** The answer to `connect`. */
export function helloOf(
  connection: string,
  { role, scopes }: Session,
  via: Origin["via"],
  { methods, snapshot, version }: HelloSource,
): object {
  return {
    type: "hello-ok",
    protocol: PROTOCOL_VERSION,
    server: { version, connId: connection },
    features: {
      methods: [...methods.keys()],
      events: EVENTS,
      capabilities: CAPABILITIES,
    },
    snapshot: snapshot(),
    auth: { method: "token", role, scopes },
    policy: {
      maxPayload: LIMITS.maxWebSocketMessageBytes,
      maxBufferedBytes: LIMITS.maxWebSocketQueueBytes,
      tickIntervalMs: via === "edge" ? EDGE_TICK_INTERVAL_MS : TICK_INTERVAL_MS,
    },
  };
}
