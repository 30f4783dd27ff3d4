import { EventEmitter, once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import type { IngressRouteSettings } from "../../core/config/ingress/ingress.ts";
import type { UpstreamSettings } from "../../core/upstream/settings.ts";
import { type Connector, startConnector } from "../../core/upstream/start.ts";
import { randomToken } from "../../shared/bytes.ts";
import { Secret } from "../../shared/secret.ts";
import { callEdge } from "./edge-with-core.ts";
import { type EdgeOptions, type RunningEdge, startEdge } from "./edge.ts";

export interface ConnectedUpstream extends AsyncDisposable {
  readonly edge: RunningEdge;
  readonly connector: Connector;
  /** Opens the edge. */
  readonly token: string;
  /** Opens the webhooks. */
  readonly hooksToken: string;
  /** A request to the edge by its path, as the owner unless `token` is another. */
  call(path: string, init?: RequestInit & { readonly token?: string }): Promise<Response>;
  /** One more, or one after another, of the same identity. */
  connect(): Promise<Connector>;
  /** What they logged. */
  readonly log: readonly string[];
}

export interface UpstreamOptions {
  readonly url: URL;
  readonly settings?: Partial<UpstreamSettings>;
  readonly webhooks?: string[];
  /** Those that are checked otherwise than by the hooks token. */
  readonly routes?: readonly IngressRouteSettings[];
  readonly edge?: EdgeOptions;
}

/** The real edge in front of an upstream; the edge knows who may pass. */
export async function startUpstream(options: UpstreamOptions): Promise<ConnectedUpstream> {
  await using parts = new AsyncDisposableStack();
  let owner = parts;
  const pairing = new Secret(randomToken());
  const edge = parts.use(
    await startEdge({
      ...options.edge,
      bindings: { PAIRING_SECRET: pairing.reveal(), ...options.edge?.bindings },
    }),
  );
  const stateDir = await mkdtemp(join(tmpdir(), "sallyport-connect-"));
  parts.defer(() => rm(stateDir, { recursive: true, force: true }));
  const [token, hooksToken] = [randomToken(), randomToken()];
  const events = new EventEmitter();
  const lines: string[] = [];
  const log = pino(
    { level: "info" },
    {
      write(line: string) {
        lines.push(line);
        if (line.includes("edge has our routes and tokens")) events.emit("published");
      },
    },
  );
  const connect = async (): Promise<Connector> => {
    const published = once(events, "published");
    const connector = owner.use(
      await startConnector(
        {
          edge: {
            url: edge.url.origin,
            pairing,
            access: undefined,
            tls: undefined,
            proxy: false,
            proxyVariables: {},
          },
          upstream: {
            url: options.url,
            token: undefined,
            preserveHost: false,
            trustForwarded: false,
            translate: "none",
            deviceSecret: undefined,
            onCoreLoss: "close",
            hooksToken: new Secret(hooksToken),
            ...options.settings,
          },
          own: {
            token: new Secret(token),
            hooksToken: new Secret(hooksToken),
            rate: { perSecond: 10_000, burst: 50_000 },
            drainTimeoutMs: 20_000,
            stateDir,
          },
          front: { webhooks: options.webhooks ?? [], login: true },
          routes: options.routes ?? [],
        },
        log,
      ),
    );
    await published;
    return connector;
  };
  const connector = await connect();
  const running = parts.move();
  owner = running;
  return {
    edge,
    connector,
    token,
    hooksToken,
    call: (path, init) => callEdge(edge.url, path, { token, ...init }),
    connect,
    log: lines,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
