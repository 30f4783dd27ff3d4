import type { Logger } from "pino";
import { digestOf } from "../../shared/constant-time.ts";
import type { EdgeBundle } from "../../shared/edge-bundle.ts";
import type { Secret } from "../../shared/secret.ts";
import type { IngressRouteSettings } from "../config/ingress/ingress.ts";
import type { Upstream } from "../config/sections/upstream.ts";
import type { EdgeSettings, Settings } from "../config/settings.ts";
import { followConfig, type ReloadParts } from "../gateway/lifecycle/reload.ts";
import { CONNECTOR_EFFECTS } from "../gateway/lifecycle/reload-plan.ts";
import { readVersion } from "../gateway/version.ts";
import { setLogLevel } from "../log.ts";
import { startTunnel } from "../tunnel/dial.ts";
import { resumable } from "../resume/resumable.ts";
import { ResumeSessions } from "../resume/sessions.ts";
import type { Tunnel } from "../tunnel/handlers.ts";
import { type BundleSource, upstreamBundle } from "./bundle.ts";
import { upstreamHandlers } from "./handlers.ts";
import { publishedRoutes } from "../webhooks/publish.ts";
import type { UpstreamSettings } from "./settings.ts";

/** The edge in front of an upstream. Disposing it ends it at once; `drain` first lets it finish. */
export interface Connector extends AsyncDisposable {
  readonly tunnel: Tunnel;
  /**
   * Takes nothing new, and finishes what is under way or gives up at the deadline.
   *
   * @param deadlineMs - Default: as the settings are now.
   */
  drain(deadlineMs?: number): Promise<void>;
}

export interface OwnSettings {
  /** What opens the edge. */
  readonly token: Secret;
  /** What opens its webhooks; undefined: there are none. */
  readonly hooksToken: Secret | undefined;
  /** How often one caller may come. */
  readonly rate: EdgeBundle["rate"];
  /** What is under way at the end is given so long. */
  readonly drainTimeoutMs: number;
  readonly stateDir: string;
}

export interface ConnectorSettings {
  readonly edge: EdgeSettings;
  readonly upstream: UpstreamSettings;
  readonly own: OwnSettings;
  /** What the edge does before it asks us. */
  readonly front: Pick<Upstream, "webhooks" | "login" | "routing">;
  /** Webhooks whose senders are checked otherwise than by the hooks token. */
  readonly routes?: readonly IngressRouteSettings[];
  /** How what changes in the config is learnt; left out: nothing is followed. */
  readonly follow?: Pick<ReloadParts, "load" | "settings">;
}

/**
 * Puts the edge in front of the upstream: no agents, no model, and nothing is stored but our own
 * identity. Any number of these may serve one edge side by side.
 *
 * @throws GatewayError when our identity cannot be read.
 */
export async function startConnector(
  { edge, upstream, own, front, routes = [], follow }: ConnectorSettings,
  log: Logger,
): Promise<Connector> {
  await using parts = new AsyncDisposableStack();
  const source: BundleSource = {
    tokenDigests: [await digestOf(own.token.reveal())],
    hooksDigest: own.hooksToken && (await digestOf(own.hooksToken.reveal())),
    rate: own.rate,
    routes: await publishedRoutes(routes),
    greets: upstream.translate === "openclaw",
    ...front,
  };
  let bundle = upstreamBundle(source);
  let { drainTimeoutMs } = own;
  const handlers = parts.use(
    upstreamHandlers(upstream, () => bundle, log.child({ part: "upstream" })),
  );
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
  const apply = async ({ limits, config, upstreamRoutes, logLevel }: Settings): Promise<void> => {
    const { rate } = limits;
    ({ drainTimeoutMs } = limits);
    const { webhooks } = config.sallyport.upstream;
    bundle = upstreamBundle({
      ...source,
      rate,
      webhooks,
      routes: await publishedRoutes(upstreamRoutes),
    });
    setLogLevel(log, logLevel);
    tunnel.publish();
  };
  if (follow !== undefined) {
    const reload = { ...follow, effects: CONNECTOR_EFFECTS, apply };
    parts.use(followConfig({ ...reload, log: log.child({ part: "config" }) }));
  }
  const running = parts.move();
  return {
    tunnel,
    drain: (deadlineMs = drainTimeoutMs) => tunnel.drain(deadlineMs),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
