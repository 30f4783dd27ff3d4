import { on, once } from "node:events";
import type { IncomingMessage } from "node:http";
import { platform } from "node:os";
import { WebSocket } from "ws";
import * as z from "zod";
import { CODES, type ErrorCode, GatewayError, isErrorCode } from "../../shared/errors.ts";
import { PROTOCOL_VERSION } from "../../shared/gateway/connect-params.ts";
import { readVersion } from "../gateway/version.ts";
import { RpcRefusal } from "./failure.ts";
import { nobodyAt } from "./nobody.ts";
import type { Target } from "./target.ts";

const Answer = z.discriminatedUnion("ok", [
  z.object({
    type: z.literal("res"),
    ok: z.literal(true),
    id: z.string(),
    payload: z.unknown().optional(),
  }),
  z.object({
    type: z.literal("res"),
    ok: z.literal(false),
    id: z.string(),
    error: z.object({
      code: z.string(),
      message: z.string(),
      details: z.object({ code: z.string().optional() }).optional().catch(undefined),
    }),
  }),
]);

const Event = z.object({
  type: z.literal("event"),
  event: z.string(),
  payload: z.unknown().optional(),
});

type RefusedAnswer = Extract<z.output<typeof Answer>, { readonly ok: false }>["error"];

/** What a gateway says that does not take us: one that stands by, or is about to end. */
const Problem = z.object({ code: z.string(), detail: z.string() });
const MAX_PROBLEM_UNITS = 16 * 1024;
/** The largest answer of a gateway, with room for what is around it. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** Whoever only looks is understood by gateways of the version before as well. */
const MIN_PROBE_PROTOCOL = 3;

export interface CallTarget extends Target {
  /** Of the connection, for a gateway behind an edge: a proxy, further headers. */
  readonly socket?: ConstructorParameters<typeof WebSocket>[2];
}

/** How one call is made. */
export interface CallHow {
  /** For this call; default: that of the target. */
  readonly timeoutMs?: number | undefined;
  /** Of two answers to one request, the second one, and the first goes here; default: the first. */
  readonly onAccepted?: ((payload: unknown) => void) | undefined;
}

/** How a gateway is connected to. */
export interface LineHow {
  /** Hangs up. */
  readonly stop?: AbortSignal | undefined;
  /** What is asked for; default: all there is. */
  readonly scopes?: readonly string[] | undefined;
  /** Told what the gateway tells unasked while a call waits. Must not throw. */
  readonly onEvent?: ((event: string, payload: unknown) => void) | undefined;
  /** `probe`: looks and does nothing. */
  readonly mode?: "cli" | "probe" | undefined;
}

/** A connection to a running gateway. One call at a time. Disposing it hangs up. */
export interface GatewayLine extends Disposable {
  /** What the gateway greeted us with. */
  readonly hello: unknown;
  /**
   * @param how - A number: `timeoutMs`.
   * @returns The payload.
   * @throws GatewayError with the gateway's own words when it refuses: a code that is safe to retry,
   *   or invalid_request; core_timeout when it does not answer in time, core_lost when it hangs up.
   */
  call(method: string, params: object, how?: number | CallHow): Promise<unknown>;
}

/**
 * Calls one method of a running gateway and hangs up.
 *
 * @returns The payload; undefined when nothing listens there.
 * @throws GatewayError invalid_request with the gateway's own words when it refuses, the gateway's
 *   own code when it takes no clients (`not_leader`), core_timeout when it does not answer in time.
 */
export async function callGateway(
  target: CallTarget,
  method: string,
  params: object,
  how: LineHow & CallHow & { readonly expectFinal?: boolean } = {},
): Promise<{ readonly payload: unknown } | undefined> {
  using line = await openGateway(target, how);
  if (line === undefined) return undefined;
  const onAccepted = how.expectFinal === true ? (how.onAccepted ?? ignore) : how.onAccepted;
  return { payload: await line.call(method, params, { ...how, onAccepted }) };
}

/**
 * The same where there must be a gateway.
 *
 * @throws GatewayError as `callGateway`; core_offline when nothing listens there.
 */
export async function askGateway(
  target: CallTarget,
  method: string,
  params: object,
  how: LineHow & CallHow & { readonly expectFinal?: boolean } = {},
): Promise<unknown> {
  const answer = await callGateway(target, method, params, how);
  if (answer !== undefined) return answer.payload;
  throw nobodyAt(target);
}

function ignore(): void {
  // Whoever wants the last answer alone has no use for the first.
}

/**
 * Connects to a running gateway as its command line.
 *
 * @param how - A signal: `stop`.
 * @returns Undefined when nothing listens there.
 * @throws GatewayError as `callGateway` does; unauthenticated when it wants a credential and we
 *   have none.
 */
export async function openGateway(
  target: CallTarget,
  how: AbortSignal | LineHow = {},
): Promise<GatewayLine | undefined> {
  const { stop, ...rest } = how instanceof AbortSignal ? { stop: how } : how;
  const { url, timeoutMs: patienceMs } = target;
  const socket = new WebSocket(url.replace(/^http/, "ws"), {
    headers: headersOf(target),
    maxPayload: MAX_ANSWER_BYTES,
    ...target.socket,
    perMessageDeflate: false,
  });
  // Heard by whoever waits; hanging up before it is open is an error as well, and no matter.
  socket.on("error", () => undefined);
  const hangUp = (): void => socket.terminate();
  socket.once("close", () => stop?.removeEventListener("abort", hangUp));
  stop?.addEventListener("abort", hangUp);
  if (stop?.aborted === true) hangUp();
  const refused = Promise.withResolvers<never>();
  refused.promise.catch(() => undefined); // nobody waits for it once the time is over
  socket.on("unexpected-response", (_request, response) => {
    void readRefusal(response, target).then(refused.reject);
  });
  // Before the socket opens: the challenge may come in the same packet as the 101.
  const messages = on(socket, "message", { close: ["close"] });

  async function greet(): Promise<unknown> {
    await Promise.race([once(socket, "open"), refused.promise]);
    await messages.next();
    return ask("connect", connectParams(target, rest));
  }

  let asked = 0;
  function ask(method: string, params: object, onAccepted?: CallHow["onAccepted"]) {
    asked += 1;
    const id = String(asked);
    socket.send(JSON.stringify({ type: "req", id, method, params }));
    return answerIn(messages, { id, onEvent: rest.onEvent, onAccepted });
  }

  /** Out of patience we hang up, which ends whatever waits. */
  async function within<T>(timeoutMs: number, work: () => Promise<T>): Promise<T> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      hangUp();
    }, timeoutMs);
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof GatewayError && !late) throw cause;
      throw new GatewayError("core_timeout", `the gateway at ${url} did not answer`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  try {
    const hello = await within(patienceMs, greet);
    return {
      hello,
      call(method, params, given = {}) {
        const { timeoutMs = patienceMs, onAccepted } =
          typeof given === "number" ? { timeoutMs: given } : given;
        return within(timeoutMs, () => ask(method, params, onAccepted));
      },
      [Symbol.dispose]: hangUp,
    };
  } catch (error) {
    hangUp();
    if (isNobody(error)) return undefined;
    throw demanded(error, target);
  }
}

function headersOf({ token, password }: CallTarget): Record<string, string> {
  // As a header as well: an edge looks there before it lets anything through.
  const credential = token ?? password;
  return credential === undefined ? {} : { Authorization: `Bearer ${credential.reveal()}` };
}

function connectParams({ token, password }: CallTarget, { scopes, mode = "cli" }: LineHow): object {
  return {
    minProtocol: mode === "probe" ? MIN_PROBE_PROTOCOL : PROTOCOL_VERSION,
    maxProtocol: PROTOCOL_VERSION,
    client: { id: "cli", version: readVersion(), platform: platform(), mode },
    role: "operator",
    scopes: scopes ?? ["operator.admin"],
    caps: [],
    auth: { token: token?.reveal(), password: password?.reveal() },
  };
}

/** Details of refusals that say: who are you? */
const WANTS_CREDENTIALS: ReadonlySet<string | undefined> = new Set([
  "DEVICE_IDENTITY_REQUIRED",
  "AUTH_REQUIRED",
  "AUTH_TOKEN_MISSING",
  "AUTH_PASSWORD_MISSING",
]);

/** What to do about a gateway that wants a credential from somebody who has sent none. */
function demanded(error: unknown, { url, token, password, source }: CallTarget): unknown {
  if (!(error instanceof GatewayError) || token !== undefined || password !== undefined) {
    return error;
  }
  const { cause, code } = error;
  const wants = cause instanceof RpcRefusal && WANTS_CREDENTIALS.has(cause.detail);
  if (!wants && code !== "unauthenticated") return error;
  const remedy = source === undefined ? "" : REMEDY[source];
  return new GatewayError("unauthenticated", `the gateway at ${url} wants a credential${remedy}`);
}

const REMEDY: Readonly<Record<NonNullable<CallTarget["source"]>, string>> = {
  flag: ": --url takes none from this machine, so say --token or --password as well",
  env: ": set OPENCLAW_GATEWAY_TOKEN or OPENCLAW_GATEWAY_PASSWORD, or say --token",
  remote: ": set gateway.remote.token or gateway.remote.password, or say --token",
  local: ": say --token or --password",
};

function isNobody(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED";
}

/** Never rejects: whatever came instead of a gateway's word, it is no gateway that we can use. */
async function readRefusal(response: IncomingMessage, { url }: CallTarget): Promise<GatewayError> {
  let text = "";
  try {
    for await (const chunk of response.setEncoding("utf8")) {
      text += String(chunk);
      if (text.length > MAX_PROBLEM_UNITS) break;
    }
    const { code, detail } = Problem.parse(JSON.parse(text));
    if (isErrorCode(code)) return new GatewayError(code, `the gateway at ${url}: ${detail}`);
  } catch {
    // Cut off, or no document of ours.
  }
  return new GatewayError("bad_response", `${url} is no gateway: status ${response.statusCode}`);
}

interface Awaited {
  readonly id: string;
  readonly onEvent: LineHow["onEvent"];
  readonly onAccepted: CallHow["onAccepted"];
}

/** The answer to the request `id`: the second one, where the first only says that it was taken. */
async function answerIn(
  messages: AsyncIterator<unknown[]>,
  { id, onEvent, onAccepted }: Awaited,
): Promise<unknown> {
  let accepted = onAccepted === undefined;
  for (let step = await messages.next(); step.done !== true; step = await messages.next()) {
    const frame: unknown = JSON.parse(String(step.value[0]));
    const event = Event.safeParse(frame);
    if (event.success) onEvent?.(event.data.event, event.data.payload);
    const answer = Answer.safeParse(frame);
    if (!answer.success || answer.data.id !== id) continue;
    if (!answer.data.ok) throw refusalOf(answer.data.error);
    const { payload } = answer.data;
    if (accepted || !Accepted.safeParse(payload).success) return payload;
    accepted = true;
    onAccepted?.(payload);
  }
  throw new GatewayError("core_lost", "the gateway hung up");
}

/** How the protocol says that there will be another answer. */
const Accepted = z.object({ status: z.enum(["accepted", "in_flight"]) });

function refusalOf(error: RefusedAnswer): GatewayError {
  const { code, message, details } = error;
  const cause = new RpcRefusal(code, message, details?.code);
  return new GatewayError(codeOf(details?.code), message, { cause });
}

/** What goes away by itself keeps its code, so that whoever can wait does; the rest is for people. */
function codeOf(detail = ""): ErrorCode {
  const code = detail.toLowerCase();
  return isErrorCode(code) && CODES[code].retrySafe ? code : "invalid_request";
}
