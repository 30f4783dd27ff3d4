import * as z from "zod/mini";
import { GatewayError } from "../../shared/errors.ts";
import { digestOf } from "../../shared/constant-time.ts";
import { problemResponse } from "../../shared/problem.ts";
import {
  chooseProtocol,
  type ConnectClaims,
  type ConnectError,
  PrivateJwk,
  provePairing,
  SUPPORTED_PROTOCOLS,
  verifyConnect,
  verifyPairing,
} from "../../shared/tunnel/handshake.ts";
import type { AccessError } from "../access/access.ts";
import { problem } from "../answer.ts";
import { logLine } from "../log.ts";
import { countFailure } from "../middleware/rate-limit.ts";
import { CALL_HEADER, encodeCall, type IdentityAnswer, type RelayCall } from "../relay-call.ts";
import { relayError } from "../relay-client.ts";
import type { Member } from "../relays/member.ts";
import type { Visit } from "../visit.ts";
import { passBack } from "./forward.ts";

const PairAnswer = z.object({ edgeKey: z.string() });

const Identity = z.object({ edgeKey: PrivateJwk, sessionKey: z.string() });

/** A relay accepts a socket without waiting for anything; a core gives up after as long. */
const RELAY_DEADLINE_MS = 10_000;
/** Only a relay that is new needs the identity: no other should wait long for it. */
const IDENTITY_DEADLINE_MS = 2_000;

const RETRY_MS = 2_000;

const PREFIX = "/tunnel/";

/**
 * GET /tunnel, GET /tunnel/<region>:<generation>: a core dials the primary relay, or the one it
 * names. Its signature is checked here, with keys this isolate has, so that only a core with a key
 * can wake a relay.
 *
 * @throws GatewayError `not_found` for a relay that this edge does not have.
 */
export async function tunnel(visit: Visit): Promise<Response> {
  const { request, isolate, now } = visit;
  if (request.headers.get("Upgrade")?.toLowerCase() !== "websocket") {
    return unsupported(visit, "A core connects by WebSocket");
  }
  if (chooseProtocol(request.headers.get("Sec-WebSocket-Protocol")) === undefined) {
    return unsupported(visit, `This edge speaks ${SUPPORTED_PROTOCOLS.join(", ")}`);
  }
  const shut = await isolate.access.refusal(request, visit.keepAlive, now);
  if (shut !== undefined) return refuse(visit, shut);
  const url = new URL(request.url);
  const claims = await verifyConnect(request.headers, url, (kid) => keyOf(visit, kid), now);
  if (!claims.ok) return refuse(visit, claims.error);
  const relay = relayAt(visit, url.pathname);
  const call = await connectCall(visit, relay, claims.value);
  // From here on the relay learns things: what the core publishes, this isolate must fetch.
  isolate.verifiers.expectNews(now);
  return hand(visit, relay, call);
}

/** POST /tunnel/pair: a core that holds the pairing secret introduces its public key. */
export async function pair(visit: Visit): Promise<Response> {
  const { request, isolate, now } = visit;
  const { pairingSecret } = isolate.settings;
  if (pairingSecret === undefined) {
    throw new GatewayError("forbidden", "Pairing is off: this edge has no pairing secret");
  }
  const shut = await isolate.access.refusal(request, visit.keepAlive, now);
  if (shut !== undefined) return refuse(visit, shut);
  const claims = await verifyPairing(request.headers, new URL(request.url), pairingSecret, now);
  if (!claims.ok) return refuse(visit, claims.error);
  const { kid, publicKey, nonce, at } = claims.value;
  const secretDigest = await digestOf(pairingSecret.reveal());
  const call = { v: 1, kind: "pair", kid, publicKey, nonce, at, secretDigest } as const;
  // One relay alone counts how often the secret was used.
  const response = await hand(visit, isolate.relays.primary, call);
  if (!response.ok) return response;
  isolate.verifiers.expectNews(now);
  // The core believes this key because whoever names it holds the secret too.
  const { edgeKey } = PairAnswer.parse(await response.json());
  const proof = await provePairing(pairingSecret, { kid, nonce, edgeKey });
  return Response.json({ edgeKey, proof }, { headers: { "Cache-Control": "no-store" } });
}

function relayAt({ isolate }: Visit, path: string): Member {
  if (!path.startsWith(PREFIX)) return isolate.relays.primary;
  const relay = isolate.relays.named(path.slice(PREFIX.length));
  if (relay === undefined) throw new GatewayError("not_found", "This edge has no such relay");
  return relay;
}

async function connectCall(
  visit: Visit,
  relay: Member,
  { kid, nonce, at, instance }: ConnectClaims,
): Promise<RelayCall> {
  const { request, isolate } = visit;
  const colo = request.cf?.colo;
  const identity = await identityFor(visit, relay);
  return {
    v: 1,
    kind: "tunnel",
    kid,
    nonce,
    at,
    instance,
    host: new URL(request.url).host,
    publicKey: isolate.verifiers.key(kid) ?? "",
    relay: relay.name,
    relays: isolate.relays.text,
    ...(identity === undefined ? {} : { identity }),
    ...(typeof colo === "string" ? { colo } : {}),
  };
}

/**
 * Who the edge is, for a relay that may be too new to know. The one that knows is where the keys of
 * cores are from: mostly the primary, and its predecessor while that has just been replaced.
 *
 * @throws GatewayError `core_offline` while the primary may be new and nobody can tell it who it
 *   is: by itself it would become another edge, which no core trusts.
 */
async function identityFor(visit: Visit, relay: Member): Promise<IdentityAnswer | undefined> {
  const { isolate, keepAlive, now } = visit;
  const { relays, verifiers } = isolate;
  const source = relays.named(verifiers.source ?? "");
  if (source === undefined || source === relay) return undefined;
  const answer = await source.ask({ v: 1, kind: "identity" }, IDENTITY_DEADLINE_MS);
  const identity = Identity.safeParse(await answer?.json());
  if (identity.success) return identity.data;
  if (relay !== relays.primary) return undefined;
  // Or is it the primary that knows, and could not be asked when we learned?
  await verifiers.missed("core", keepAlive, now);
  if (verifiers.source === relay.name) return undefined;
  throw new GatewayError("core_offline", "Nobody can tell the new primary who it is", {
    retryAfterMs: RETRY_MS,
  });
}

async function keyOf({ isolate, keepAlive, now }: Visit, kid: string): Promise<string | undefined> {
  const known = isolate.verifiers.key(kid);
  if (known !== undefined) return known;
  await isolate.verifiers.missed("core", keepAlive, now);
  return isolate.verifiers.key(kid);
}

async function hand(visit: Visit, relay: Member, call: RelayCall): Promise<Response> {
  // Nothing of what proved who this is goes further.
  const headers = new Headers({ [CALL_HEADER]: encodeCall(call) });
  for (const name of ["Upgrade", "Sec-WebSocket-Protocol"]) {
    const value = visit.request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  const answer = await relay.client.forward(visit.request, { headers }, RELAY_DEADLINE_MS);
  if (!answer.ok) return problem(visit, relayError(answer.error, Math.random), "relay");
  return passBack(visit, { relay, response: answer.value });
}

/** One answer for all but a wrong clock, which a core can mend once it is told the time. */
async function refuse(visit: Visit, error: ConnectError | AccessError): Promise<Response> {
  const { requestId, path } = visit;
  const { reason } = error;
  logLine("warn", { event: "tunnel_refused", path, reason, requestId });
  await countFailure(visit, "core");
  const isStale = error.reason === "stale";
  const failure = isStale
    ? new GatewayError("clock_skew", "Signed too long ago, or in the future: check the clock")
    : new GatewayError("unauthenticated", "A valid signature of a known key is required");
  const extension = isStale ? { serverTime: error.serverTime } : {};
  const response = problemResponse(failure, { hop: "edge", requestId, path, extension });
  response.headers.set("WWW-Authenticate", "GWT-Ed25519");
  response.headers.set("Date", new Date(visit.now).toUTCString());
  return response;
}

function unsupported({ requestId, path }: Visit, detail: string): Response {
  const extension = { supported: SUPPORTED_PROTOCOLS };
  const error = new GatewayError("version_unsupported", detail);
  const response = problemResponse(error, { hop: "edge", requestId, path, extension });
  // RFC 6455 section 4.4: an edge that is asked for others names its own.
  response.headers.set("Sec-WebSocket-Protocol", SUPPORTED_PROTOCOLS.join(", "));
  return response;
}
