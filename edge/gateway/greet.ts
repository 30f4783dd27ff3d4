/**
 * Clients that show nothing in their upgrade: those of the gateway's WebSocket protocol cannot. They
 * are put the challenge here, in the stateless Worker, and say in their first frame who they are.
 * Until that is proven nothing of them reaches a relay, let alone the core. See README.md.
 */
import { fromUtf8, utf8 } from "../../shared/bytes.ts";
import { GatewayError } from "../../shared/errors.ts";
import {
  HANDSHAKE_TIMEOUT_MS,
  MAX_HANDSHAKE_BYTES,
  REFUSAL_DELAY_MS,
} from "../../shared/gateway/connect-params.ts";
import {
  type ConnectRefusal,
  SILENT,
  TOO_LARGE,
  unavailable,
} from "../../shared/gateway/connect-refusal.ts";
import type { Challenge } from "../../shared/gateway/device-proof.ts";
import { type Connect, readConnect } from "../../shared/gateway/read-connect.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { DeadlineError, within } from "../deadline.ts";
import { logLine } from "../log.ts";
import { noCore } from "../middleware/authenticate.ts";
import { rateKey } from "../middleware/rate-limit.ts";
import { relayError } from "../relay-client.ts";
import { observe, send } from "../routes/forward.ts";
import type { Caller } from "../verifiers.ts";
import type { Visit } from "../visit.ts";
import { checkConnect, refuseCredentials } from "./credentials.ts";
import { Line, type Message } from "./line.ts";
import { pipe } from "./pipe.ts";

/** While a core is away, or is too busy. */
const RETRY_MS = 1_000;

/** Whether this may be such a client: one that shows something is judged by that alone. */
export function mayBeGreeted(visit: Visit): boolean {
  return (
    visit.header("upgrade")?.toLowerCase() === "websocket" &&
    visit.header("authorization") === undefined &&
    // No client of the protocol offers one, and a browser gives up on a server that takes none.
    visit.header("sec-websocket-protocol") === undefined
  );
}

/**
 * Accepts the WebSocket of a stranger and sees to the rest on its own.
 *
 * @returns Undefined when the core behind this edge does not speak the protocol.
 * @throws GatewayError `forbidden` for a page of another origin, `core_offline` while nothing is
 *   known to check credentials against, `overloaded` with too many strangers at once.
 */
export async function greet(visit: Visit): Promise<Response | undefined> {
  const { isolate, keepAlive, now } = visit;
  const { verifiers } = isolate;
  if (!verifiers.published) await verifiers.missed("client", keepAlive, now);
  if (!verifiers.published) throw noCore();
  if (!verifiers.greets) return undefined;
  checkOrigin(visit);
  const leave = isolate.room.enter(rateKey(visit.ip));
  if (leave === undefined) {
    throw new GatewayError("overloaded", "Too many clients are connecting", {
      retryAfterMs: RETRY_MS,
    });
  }
  const { 0: theirs, 1: ours } = new WebSocketPair();
  const challenge = { nonce: crypto.randomUUID(), ts: now };
  const client = new Line(ours, isolate.behind);
  client.send(JSON.stringify({ type: "event", event: "connect.challenge", payload: challenge }));
  keepAlive(attend(visit, client, challenge).finally(leave));
  return new Response(null, { status: 101, webSocket: theirs });
}

/** Browsers name the page; nothing else has a reason to. @throws GatewayError `forbidden` */
function checkOrigin({ isolate: { verifiers }, ...visit }: Visit): void {
  const origin = visit.header("origin");
  if (origin === undefined || origin === visit.origin || verifiers.allowsOrigin(origin)) return;
  throw new GatewayError("forbidden", "Pages of this origin may not connect: see allowedOrigins");
}

async function attend(visit: Visit, client: Line, challenge: Challenge): Promise<void> {
  try {
    const first = await firstOf(client);
    if (first === undefined) return;
    const opened = await open(visit, client, first, challenge);
    if (!opened.ok) refuse(client, opened.error);
    else {
      opened.value.send(first);
      pipe(client, opened.value);
    }
  } catch (error) {
    if (error instanceof DeadlineError) refuse(client, SILENT);
    else {
      logLine("error", { event: "greeting_failed", requestId: visit.requestId });
      client.close(1011, "internal error");
    }
  }
}

/** Undefined when it leaves. @throws DeadlineError when it says nothing. */
function firstOf(client: Line): Promise<Message | undefined> {
  const { promise, resolve } = Promise.withResolvers<Message | undefined>();
  client.take({
    onMessage(message) {
      client.hold();
      resolve(message);
    },
    onClose: () => resolve(undefined),
  });
  return within(promise, HANDSHAKE_TIMEOUT_MS);
}

/** What opens a way to the core for this client. @returns The relay's end of it. */
async function open(
  visit: Visit,
  client: Line,
  first: Message,
  challenge: Challenge,
): Promise<Result<Line, ConnectRefusal>> {
  const read = readFirst(first);
  if (!read.ok) return read;
  const checked = await checkConnect(visit, read.value, challenge, Date.now());
  if (checked.ok) return openRelay(visit, client, read.value, checked.value, challenge);
  // What it costs to guess; and a client that has left wants no answer.
  await pause(REFUSAL_DELAY_MS);
  return checked;
}

function readFirst(first: Message): Result<Connect, ConnectRefusal> {
  const bytes = typeof first === "string" ? first.length : first.byteLength;
  if (bytes > MAX_HANDSHAKE_BYTES) return err(TOO_LARGE);
  if (typeof first !== "string") return readConnect(fromUtf8(new Uint8Array(first)), bytes);
  return readConnect(first, utf8(first).byteLength);
}

async function openRelay(
  visit: Visit,
  client: Line,
  { id, params }: Connect,
  caller: Caller,
  connect: Challenge,
): Promise<Result<Line, ConnectRefusal>> {
  const leaving = new AbortController();
  const leave = (): void => leaving.abort();
  client.gone.addEventListener("abort", leave);
  // One of its own: the one that came was answered, and would take the socket along with it.
  const request = new Request(visit.request.url, { signal: leaving.signal });
  const answer = await send({ ...visit, request, now: Date.now() }, caller, connect);
  client.gone.removeEventListener("abort", leave);
  if (!answer.ok) return err(offline(id, relayError(answer.error, Math.random)));
  const { relay, response } = answer.value;
  if (response.webSocket !== null) return ok(new Line(response.webSocket, visit.isolate.behind));
  observe(visit, relay, response);
  await response.body?.cancel();
  // Taken back a moment ago, which this isolate did not know yet.
  if (response.status === 401) return err(await refuseCredentials(visit, id, params, Date.now()));
  const seconds = Number(response.headers.get("retry-after") ?? 0);
  const retryAfterMs = seconds * 1_000 || RETRY_MS;
  return err(unavailable(id, `gateway unavailable (${response.status})`, retryAfterMs));
}

function offline(id: string, { message, retryAfterMs = RETRY_MS }: GatewayError): ConnectRefusal {
  return unavailable(id, message, retryAfterMs);
}

function refuse(client: Line, { id, error, closeCode, closeReason }: ConnectRefusal): void {
  if (error !== undefined) client.send(JSON.stringify({ type: "res", id, ok: false, error }));
  client.close(closeCode, closeReason);
}

function pause(ms: number): Promise<void> {
  // oxlint-disable-next-line no-restricted-globals -- of a Worker, and as short as this
  return new Promise((resolve) => setTimeout(resolve, ms));
}
