import { randomUUID } from "node:crypto";
import { PROTOCOL_VERSION } from "../../../shared/gateway/connect-params.ts";
import { LIMITS } from "../../../shared/limits.ts";
import { EVENTS } from "../../methods/events.ts";
import type { Methods } from "../../methods/method.ts";
import type { Origin } from "../auth/auth.ts";
import type { Session } from "../auth/handshake.ts";

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

/** A message of a client of our own port: what the protocol's own gateway takes. */
export const MAX_LOCAL_MESSAGE_BYTES = 25 * 1024 * 1024;
/** What may wait for one slow client of our own port: the largest answer twice. */
const MAX_LOCAL_BUFFER_BYTES = 50 * 1024 * 1024;

/** What clients may count on beside the methods; names of the contract. */
const CAPABILITIES = ["published-model-catalog"] as const;

/** Names this process: a client that sees another one knows that there was a restart. */
export const BOOT_ID = randomUUID();

/** What a client may do to a connection. */
export interface Policy {
  readonly maxPayload: number;
  readonly maxBufferedBytes: number;
  readonly tickIntervalMs: number;
}

const POLICIES: Readonly<Record<Origin["via"], Policy>> = {
  local: {
    maxPayload: MAX_LOCAL_MESSAGE_BYTES,
    maxBufferedBytes: MAX_LOCAL_BUFFER_BYTES,
    tickIntervalMs: TICK_INTERVAL_MS,
  },
  // A relay has 128 MB for all of its clients.
  edge: {
    maxPayload: LIMITS.maxWebSocketMessageBytes,
    maxBufferedBytes: LIMITS.maxWebSocketQueueBytes,
    tickIntervalMs: EDGE_TICK_INTERVAL_MS,
  },
};

export function policyOf(via: Origin["via"]): Policy {
  return POLICIES[via];
}

/** What the greeting tells of the gateway. */
export interface HelloSource {
  readonly methods: Methods;
  /** For a client with these scopes. */
  readonly snapshot: (scopes: readonly string[]) => object;
  readonly version: string;
}

/** The answer to `connect`. */
export function helloOf(
  connection: string,
  { role, scopes, auth }: Session,
  via: Origin["via"],
  { methods, snapshot, version }: HelloSource,
): object {
  const { method = "token", deviceToken, issuedAtMs, deviceTokens } = auth ?? {};
  return {
    type: "hello-ok",
    protocol: PROTOCOL_VERSION,
    server: { version, connId: connection, bootId: BOOT_ID },
    features: {
      methods: [...methods.keys()],
      events: EVENTS,
      capabilities: CAPABILITIES,
    },
    snapshot: snapshot(scopes),
    auth: { method, role, scopes, deviceToken, issuedAtMs, deviceTokens },
    policy: policyOf(via),
  };
}
