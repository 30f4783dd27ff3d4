import { once } from "node:events";
import type { WebSocket } from "ws";
import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import type { Challenge } from "../../shared/gateway/device-proof.ts";

const Greeting = z.looseObject({
  event: z.literal("connect.challenge"),
  payload: z.looseObject({ nonce: z.string().min(1).max(256), ts: z.number() }),
});

/**
 * What the upstream asks of a client whom the edge has asked already: it is answered here, and the
 * client never hears of it.
 *
 * @param socket - Open and paused; paused again at the end.
 * @throws GatewayError `core_timeout` when nothing comes in time, `bad_response` for anything else.
 */
export async function takeChallenge(socket: WebSocket, deadlineMs: number): Promise<Challenge> {
  const signal = AbortSignal.timeout(deadlineMs);
  const message = once(socket, "message", { signal });
  const closed = once(socket, "close", { signal });
  // Whichever comes second is of no interest, its failure neither.
  for (const waiting of [message, closed]) waiting.catch(() => undefined);
  socket.resume();
  try {
    const [first] = await Promise.race([message, closed]);
    socket.pause();
    return Greeting.parse(JSON.parse(String(first))).payload;
  } catch (cause) {
    socket.terminate();
    throw signal.aborted
      ? new GatewayError("core_timeout", "The upstream did not greet the client in time", { cause })
      : new GatewayError("bad_response", "The upstream did not greet the client", { cause });
  }
}
