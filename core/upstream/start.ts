import type { Logger } from "pino";
import { digestOf } from "../../shared/constant-time.ts";
import type { EdgeBundle } from "../../shared/edge-bundle.ts";
import type { Secret } from "../../shared/secret.ts";
import type { Upstream } from "../config/sections/upstream.ts";
import type { EdgeSettings } from "../config/settings.ts";
import { readVersion } from "../gateway/version.ts";
import { startTunnel } from "../tunnel/dial.ts";
import { resumable } from "../resume/resumable.ts";
import { ResumeSessions } from "../resume/sessions.ts";
import type { Tunnel } from "../tunnel/handlers.ts";
import { upstreamBundle } from "./bundle.ts";
import { upstreamHandlers } from "./handlers.ts";
import type { UpstreamSettings } from "./settings.ts";

/** Work under way is given this long to end: below the 30 s after which orchestrators kill. */
const DRAIN_DEADLINE_MS = 20_000;

/** The edge in front of an upstream. Disposing it ends it at once; `drain` first lets it finish. */
export interface Connector extends AsyncDisposable {
  readonly tunnel: Tunnel;
  /** Takes nothing new, and finishes what is under way or gives up at the deadline. */
  drain(deadlineMs?: number): Promise<void>;
}

export interface OwnSettings {
  /** What opens the edge. */
  readonly token: Secret;
  /** What opens its webhooks; undefined: there are none. */
  readonly hooksToken: Secret | undefined;
  /** How often one caller may come. */
  readonly rate: EdgeBundle["rate"];
  readonly stateDir: string;
}

export interface ConnectorSettings {
  readonly edge: EdgeSettings;
  readonly upstream: UpstreamSettings;
  readonly own: OwnSettings;
  /** What the edge does before it asks us. */
  readonly front: Pick<Upstream, "webhooks" | "login" | "routing">;
}

/**
 * Puts the edge in front of the upstream: no agents, no model, and nothing is stored but our own
 * identity. Any number of these may serve one edge side by side.
 *
 * @throws GatewayError when our identity cannot be read.
 */
export async function startConnector(
  { edge, upstream, own, front }: ConnectorSettings,
  log: Logger,
): Promise<Connector> {
  await using parts = new AsyncDisposableStack();
  const bundle = upstreamBundle({
    tokenDigests: [await digestOf(own.token.reveal())],
    hooksDigest: own.hooksToken && (await digestOf(own.hooksToken.reveal())),
    rate: own.rate,
    ...front,
  });
  const handlers = parts.use(upstreamHandlers(upstream, bundle, log.child({ part: "upstream" })));
  const { url, proxyVariables: environment, ...rest } = edge;
  const tunnel = parts.use(
    await startTunnel(
      {
        ...rest,
        edge: new URL(url),
        environment,
        version: readVersion(),
        stateDir: own.stateDir,
        mode: "shared",
      },
      log.child({ part: "tunnel" }),
    ),
  );
  tunnel.lead(resumable(handlers, parts.use(new ResumeSessions())), undefined);
  const running = parts.move();
  return {
    tunnel,
    drain: (deadlineMs = DRAIN_DEADLINE_MS) => tunnel.drain(deadlineMs),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
