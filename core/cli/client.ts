import { on, once } from "node:events";
import type { IncomingMessage } from "node:http";
import { platform } from "node:os";
import { WebSocket } from "ws";
import * as z from "zod";
import { GatewayError, isErrorCode } from "../../shared/errors.ts";
import { PROTOCOL_VERSION } from "../gateway/frames.ts";
import { readVersion } from "../gateway/version.ts";
import type { Target } from "./target.ts";

const Answer = z.discriminatedUnion("ok", [
  z.object({ type: z.literal("res"), ok: z.literal(true), payload: z.unknown() }),
  z.object({
    type: z.literal("res"),
    ok: z.literal(false),
    error: z.object({ message: z.string() }),
  }),
]);

/** What a gateway says that does not take us: one that stands by, or is about to end. */
const Problem = z.object({ code: z.string(), detail: z.string() });
const MAX_PROBLEM_UNITS = 16 * 1024;

export interface CallTarget extends Target {
  /** Of the connection, for a gateway behind an edge: a proxy, further headers. */
  readonly socket?: ConstructorParameters<typeof WebSocket>[2];
}

/**
 * Calls one method of a running gateway and hangs up.
 *
 * @returns The payload; undefined when nothing listens there.
 * @throws GatewayError invalid_request with the gateway's own words when it refuses, the gateway's
 *   own code when it takes no clients (`not_leader`), core_timeout when it does not answer in time.
 */
export async function callGateway(
  { url, token, timeoutMs, socket: options }: CallTarget,
  method: string,
  params: object,
): Promise<{ readonly payload: unknown } | undefined> {
  const signal = AbortSignal.timeout(timeoutMs);
  const socket = new WebSocket(url.replace(/^http/, "ws"), {
    ...options,
    perMessageDeflate: false,
  });
  // Heard by whoever waits; hanging up before it is open is an error as well, and no matter.
  socket.on("error", () => undefined);
  const refused = Promise.withResolvers<never>();
  refused.promise.catch(() => undefined); // nobody waits for it once the time is over
  socket.on("unexpected-response", (_request, response) => {
    void readRefusal(response, url).then(refused.reject);
  });
  try {
    // Before the socket opens: the challenge may come in the same packet as the 101.
    const messages = on(socket, "message", { signal, close: ["close"] });
    await Promise.race([once(socket, "open", { signal }), refused.promise]);
    await messages.next();
    const call = async (id: string, name: string, given: object): Promise<unknown> => {
      socket.send(JSON.stringify({ type: "req", id, method: name, params: given }));
      return answerIn(messages);
    };
    await call("1", "connect", {
      minProtocol: PROTOCOL_VERSION,
      maxProtocol: PROTOCOL_VERSION,
      client: { id: "cli", version: readVersion(), platform: platform(), mode: "cli" },
      role: "operator",
      scopes: ["operator.admin"],
      caps: [],
      auth: token === undefined ? {} : { token: token.reveal() },
    });
    return { payload: await call("2", method, params) };
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    if (cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED")
      return undefined;
    throw new GatewayError("core_timeout", `the gateway at ${url} did not answer`, { cause });
  } finally {
    socket.terminate();
  }
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
    throw new GatewayError("invalid_request", answer.data.error.message);
  }
  throw new GatewayError("core_lost", "the gateway hung up");
}
