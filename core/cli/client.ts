import { on, once } from "node:events";
import type { IncomingMessage } from "node:http";
import { platform } from "node:os";
import { WebSocket } from "ws";
import * as z from "zod";
import { CODES, type ErrorCode, GatewayError, isErrorCode } from "../../shared/errors.ts";
import { PROTOCOL_VERSION } from "../gateway/frames.ts";
import { readVersion } from "../gateway/version.ts";
import type { Target } from "./target.ts";

const Answer = z.discriminatedUnion("ok", [
  z.object({ type: z.literal("res"), ok: z.literal(true), payload: z.unknown() }),
  z.object({
    type: z.literal("res"),
    ok: z.literal(false),
    error: z.object({
      message: z.string(),
      details: z.object({ code: z.string().optional() }).optional().catch(undefined),
    }),
  }),
]);

/** What a gateway says that does not take us: one that stands by, or is about to end. */
const Problem = z.object({ code: z.string(), detail: z.string() });
const MAX_PROBLEM_UNITS = 16 * 1024;

export interface CallTarget extends Target {
  /** Of the connection, for a gateway behind an edge: a proxy, further headers. */
  readonly socket?: ConstructorParameters<typeof WebSocket>[2];
}

/** A connection to a running gateway. One call at a time. Disposing it hangs up. */
export interface GatewayLine extends Disposable {
  /**
   * @param timeoutMs - For this call; default: that of the target.
   * @returns The payload.
   * @throws GatewayError with the gateway's own words when it refuses: a code that is safe to retry,
   *   or invalid_request; core_timeout when it does not answer in time, core_lost when it hangs up.
   */
  call(method: string, params: object, timeoutMs?: number): Promise<unknown>;
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
): Promise<{ readonly payload: unknown } | undefined> {
  using line = await openGateway(target);
  return line === undefined ? undefined : { payload: await line.call(method, params) };
}

/**
 * Connects to a running gateway as its command line.
 *
 * @param stop - Hangs up.
 * @returns Undefined when nothing listens there.
 * @throws GatewayError as `callGateway` does.
 */
export async function openGateway(
  { url, token, timeoutMs: patienceMs, socket: options }: CallTarget,
  stop?: AbortSignal,
): Promise<GatewayLine | undefined> {
  // As a header as well: an edge looks there before it lets anything through.
  const headers: Record<string, string> =
    token === undefined ? {} : { Authorization: `Bearer ${token.reveal()}` };
  const socket = new WebSocket(url.replace(/^http/, "ws"), {
    headers,
    ...options,
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
    void readRefusal(response, url).then(refused.reject);
  });
  // Before the socket opens: the challenge may come in the same packet as the 101.
  const messages = on(socket, "message", { close: ["close"] });

  async function greet(): Promise<void> {
    await Promise.race([once(socket, "open"), refused.promise]);
    await messages.next();
    await ask("connect", {
      minProtocol: PROTOCOL_VERSION,
      maxProtocol: PROTOCOL_VERSION,
      client: { id: "cli", version: readVersion(), platform: platform(), mode: "cli" },
      role: "operator",
      scopes: ["operator.admin"],
      caps: [],
      auth: token === undefined ? {} : { token: token.reveal() },
    });
  }

  let asked = 0;
  function ask(method: string, params: object): Promise<unknown> {
    asked += 1;
    socket.send(JSON.stringify({ type: "req", id: String(asked), method, params }));
    return answerIn(messages);
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
    await within(patienceMs, greet);
  } catch (error) {
    hangUp();
    if (isNobody(error)) return undefined;
    throw error;
  }
  return {
    call: (method, params, timeoutMs = patienceMs) => within(timeoutMs, () => ask(method, params)),
    [Symbol.dispose]: hangUp,
  };
}

function isNobody(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED";
}

/** Never rejects: whatever came instead of a gateway's word, it is no gateway that we can use. */
async function readRefusal(response: IncomingMessage, url: string): Promise<GatewayError> {
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

/** The next answer; events in between are for others. */
async function answerIn(messages: AsyncIterator<unknown[]>): Promise<unknown> {
  for (let step = await messages.next(); step.done !== true; step = await messages.next()) {
    const answer = Answer.safeParse(JSON.parse(String(step.value[0])));
    if (!answer.success) continue;
    if (answer.data.ok) return answer.data.payload;
    const { message, details } = answer.data.error;
    throw new GatewayError(codeOf(details?.code), message);
  }
  throw new GatewayError("core_lost", "the gateway hung up");
}

/** What goes away by itself keeps its code, so that whoever can wait does; the rest is for people. */
function codeOf(detail = ""): ErrorCode {
  const code = detail.toLowerCase();
  return isErrorCode(code) && CODES[code].retrySafe ? code : "invalid_request";
}
