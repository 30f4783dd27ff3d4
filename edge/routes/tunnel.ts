import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { digestOf } from "../../shared/constant-time.ts";
import { problemResponse } from "../../shared/problem.ts";
import {
  chooseProtocol,
  type ConnectError,
  provePairing,
  SUPPORTED_PROTOCOLS,
  verifyConnect,
  verifyPairing,
} from "../../shared/tunnel/handshake.ts";
import { problem } from "../answer.ts";
import { logLine } from "../log.ts";
import { countFailure, rateKey } from "../middleware/rate-limit.ts";
import { CALL_HEADER, encodeCall, type RelayCall } from "../relay-call.ts";
import { relayError } from "../relay-client.ts";
import type { Visit } from "../visit.ts";
import { passBack } from "./forward.ts";

const PairAnswer = z.object({ edgeKey: z.string() });

/** A relay accepts a socket without waiting for anything; a core gives up after as long. */
const RELAY_DEADLINE_MS = 10_000;

/**
 * GET /tunnel: a core dials in. Its signature is checked here, with keys this isolate has, so
 * that only a core with a key can wake the relay.
 */
export async function tunnel(visit: Visit): Promise<Response> {
  const { request, isolate, now } = visit;
  if (request.headers.get("Upgrade")?.toLowerCase() !== "websocket") {
    return unsupported(visit, "A core connects by WebSocket");
  }
  if (chooseProtocol(request.headers.get("Sec-WebSocket-Protocol")) === undefined) {
    return unsupported(visit, `This edge speaks ${SUPPORTED_PROTOCOLS.join(", ")}`);
  }
  const url = new URL(request.url);
  const claims = await verifyConnect(request.headers, url, (kid) => keyOf(visit, kid), now);
  if (!claims.ok) return refuse(visit, claims.error);
  const { kid, nonce, at, instance } = claims.value;
  const colo = request.cf?.colo;
  // From here on the relay learns things: what the core publishes, this isolate must fetch.
  isolate.verifiers.expectNews(now);
  return hand(visit, {
    v: 1,
    kind: "tunnel",
    kid,
    nonce,
    at,
    instance,
    host: url.host,
    ...(typeof colo === "string" ? { colo } : {}),
  });
}

/** POST /tunnel/pair: a core that holds the pairing secret introduces its public key. */
export async function pair(visit: Visit): Promise<Response> {
  const { request, isolate, now } = visit;
  const { pairingSecret } = isolate.settings;
  if (pairingSecret === undefined) {
    throw new GatewayError("forbidden", "Pairing is off: this edge has no pairing secret");
  }
  const claims = await verifyPairing(request.headers, new URL(request.url), pairingSecret, now);
  if (!claims.ok) return refuse(visit, claims.error);
  const { kid, publicKey, nonce, at } = claims.value;
  const secretDigest = await digestOf(pairingSecret.reveal());
  const call = { v: 1, kind: "pair", kid, publicKey, nonce, at, secretDigest } as const;
  const response = await hand(visit, call);
  if (!response.ok) return response;
  isolate.verifiers.expectNews(now);
  // The core believes this key because whoever names it holds the secret too.
  const { edgeKey } = PairAnswer.parse(await response.json());
  const proof = await provePairing(pairingSecret, { kid, nonce, edgeKey });
  return Response.json({ edgeKey, proof }, { headers: { "Cache-Control": "no-store" } });
}

async function keyOf({ isolate, keepAlive, now }: Visit, kid: string): Promise<string | undefined> {
  const known = isolate.verifiers.key(kid);
  if (known !== undefined) return known;
  await isolate.verifiers.missed("core", keepAlive, now);
  return isolate.verifiers.key(kid);
}

async function hand(visit: Visit, call: RelayCall): Promise<Response> {
  const headers = new Headers(visit.request.headers);
  headers.set(CALL_HEADER, encodeCall(call));
  const { relay } = visit.isolate;
  const answer = await relay.forward(visit.request, { headers }, RELAY_DEADLINE_MS);
  if (!answer.ok) return problem(visit, relayError(answer.error, Math.random), "relay");
  return passBack(visit, answer.value);
}

/** One answer for all but a wrong clock, which a core can mend once it is told the time. */
async function refuse(visit: Visit, error: ConnectError): Promise<Response> {
  const { requestId, path, ip } = visit;
  const { reason } = error;
  logLine("warn", { event: "tunnel_refused", path, reason, requestId });
  await countFailure(visit, rateKey(ip));
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
