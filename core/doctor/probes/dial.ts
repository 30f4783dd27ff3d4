import { pino } from "pino";
import { randomToken } from "../../../shared/bytes.ts";
import { ResetCode } from "../../../shared/tunnel/frame.ts";
import type { TunnelKey } from "../../../shared/tunnel/handshake.ts";
import { ask } from "../../tunnel/relay/ask.ts";
import { Connection } from "../../tunnel/relay/connection.ts";
import type { Ending } from "../../tunnel/relay/ending.ts";
import { createMetrics } from "../../tunnel/metrics.ts";
import type { Way } from "../../tunnel/relay/way.ts";
import type { Dialled } from "../verdicts/tunnel.ts";

export interface DialRequest {
  /** `https://edge/tunnel`, or a relay by its name behind that. */
  readonly url: URL;
  readonly key: TunnelKey;
  /** Unix ms by the edge's clock, as far as known. */
  readonly at: number;
  readonly version: string;
  readonly timeoutMs: number;
}

/**
 * Connects as a core does, looks around and leaves. A process of its own that stands by and holds
 * no state (epoch 0): the relay gives it no work, and takes none from whoever has it.
 */
export async function dial(request: DialRequest, way: Way): Promise<Dialled> {
  const { url, key, at, version, timeoutMs } = request;
  const instance = randomToken(16);
  const connection = await Connection.open({
    url,
    key,
    instance,
    nonce: randomToken(16),
    at,
    way,
    hello: [
      [":instance", instance],
      [":version", version],
      [":mode", "standby"],
      [":store", ""],
      [":epoch", "0"],
    ],
    // Whoever it is: that is what we want to know.
    pinned: undefined,
    metrics: createMetrics(),
    log: pino({ level: "silent" }),
    onOpen: (stream) => stream.reset(ResetCode.notLeader, "only looking"),
    onGoAway: () => undefined,
    onStats: () => undefined,
  });
  const patience = setTimeout(() => connection.close(), timeoutMs);
  try {
    const welcome = await connection.ready;
    if (welcome === undefined)
      return { result: "ended", ending: onTime(await connection.ended, way) };
    const [state] = await Promise.all([
      // An older relay knows no such path; a dead one shows in the round trip.
      ask(connection.session, "GET", "/state").catch(() => undefined),
      connection.heartbeat.measure(),
    ]);
    const { rttMs } = connection.heartbeat;
    const body = state?.status === 200 ? state.body : undefined;
    return { result: "welcomed", welcome, rttMs, state: body };
  } finally {
    clearTimeout(patience);
    connection.close();
    await connection.ended;
  }
}

/** That we gave up is not what went wrong. */
function onTime(ending: Ending, { proxy }: Way): Ending {
  if (ending.reason !== "moved") return ending;
  return { reason: "unreachable", detail: "no answer in time", proxy };
}
