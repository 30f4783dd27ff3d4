import type { Logger } from "pino";
import { digestOf } from "../../shared/constant-time.ts";
import type { EdgeBundle } from "../../shared/edge-bundle.ts";
import type { Secret } from "../../shared/secret.ts";
import { createTools } from "../agents/tools/registry.ts";
import type { Channel } from "../channels/channel.ts";
import { systemClock } from "../channels/clock.ts";
import { createChannels } from "../channels/registry.ts";
import type { Settings } from "../config/settings.ts";
import { startEngine } from "../conversation/engine.ts";
import { EventStreams } from "../http/events.ts";
import type { ModelIdentity } from "../http/models.ts";
import type { Model } from "../models/model.ts";
import { createModel } from "../models/registry.ts";
import { openSqliteStore } from "../store/sqlite/open.ts";
import { startTunnel } from "../tunnel/dial.ts";
import type { Tunnel } from "../tunnel/handlers.ts";
import { createApp } from "./app.ts";
import { Authenticator, type Origin } from "./auth.ts";
import { accessTo, routeOf } from "./chat-policy.ts";
import { Connections } from "./connections.ts";
import { takeIn, type WebhookPost } from "./deliver.ts";
import { edgeBundle } from "./edge-bundle.ts";
import { healthMethod, type HealthSource, snapshot } from "./health.ts";
import { Lockout } from "./lockout.ts";
import { pairingMethods } from "./pairing-methods.ts";
import { serve } from "./serve.ts";
import { supervise } from "./supervise.ts";
import { tunnelHandlers } from "./tunnel-handlers.ts";
import { boundedTurns } from "./turns.ts";
import { readVersion } from "./version.ts";
import { WebhookBase } from "./webhook-base.ts";

/** Work under way is given this long to end: below the 30 s after which orchestrators kill. */
const DRAIN_DEADLINE_MS = 20_000;
/** Of that, kept back for answers that were cut off to reach their clients. */
const CUT_OFF_MS = 1_000;

/** A running gateway. Disposing it ends it at once; `drain` first lets it finish. */
export interface Gateway extends AsyncDisposable {
  readonly port: number;
  /** Where programs of this machine reach it. */
  readonly url: string;
  readonly model: ModelIdentity;
  /** Takes nothing new, finishes what is under way or cuts it off at the deadline, says goodbye. */
  drain(deadlineMs?: number): Promise<void>;
}

/**
 * Builds every part from `settings`, in the order data flows, and starts it.
 *
 * Disposal runs backwards. If a part fails to start, those before it are disposed and the error is
 * thrown: a gateway is wholly up or wholly down.
 *
 * @throws GatewayError that says in one line what is in the way.
 */
export async function startGateway(settings: Settings, log: Logger): Promise<Gateway> {
  await using parts = new AsyncDisposableStack();
  const clock = systemClock;
  const { now } = clock;
  const { random } = Math;
  const startedAt = now();
  /** Aborts what takes in work, and later what is still under way. */
  const stop = new AbortController();
  const cutOff = new AbortController();
  let tunnel: Tunnel | undefined;

  const store = parts.use(await openSqliteStore({ stateDir: settings.stateDir, now }));
  const models = await createChain(settings);
  const model: ModelIdentity = { id: models[0].id, demo: models[0].demo };
  const channels = await createChannels({ telegram: settings.telegram }, { log, clock, random });
  const channel = (id: string): Channel | undefined => channels.find((one) => one.id === id);
  const tools = createTools(now);
  const engine = parts.use(
    startEngine({
      store,
      agent: () => ({ models, tools, system: settings.systemPrompt ?? "" }),
      channel,
      access: (id) => accessTo(id, settings),
      route: () => routeOf(settings),
      clock,
      random,
      log,
    }),
  );
  const take = (post: WebhookPost): Promise<boolean> => takeIn(post, channel(post.route), engine);

  const health: HealthSource = {
    version: readVersion(),
    model,
    edge: () => tunnel?.state,
    channels: () => channels.map(({ id }) => id),
    draining: () => stop.signal.aborted,
    now,
    startedAt,
  };
  const authenticator = authenticatorOf(settings, settings.gateway.token.secret);
  const run = boundedTurns(engine.conversations, settings.limits.turnTimeoutMs, cutOff.signal);
  const app = createApp({
    authenticator,
    health,
    chat: settings.config.gateway.http.endpoints.chatCompletions.enabled
      ? { run, model, streams: new EventStreams(now), now, log: log.child({ part: "http" }) }
      : undefined,
    hooks: settings.hooks && {
      path: settings.hooks.path,
      authenticator: authenticatorOf(settings, settings.hooks.token.secret),
      takeIn: take,
    },
    model,
    log: log.child({ part: "http" }),
  });
  const connections = new Connections({
    authenticator,
    methods: new Map([["health", healthMethod(health)], ...pairingMethods(engine.pairing)]),
    snapshot: () => snapshot(health),
    version: health.version,
    now,
  });

  const fetch = (request: Request, origin: Origin): Response | Promise<Response> =>
    app.fetch(request, origin);
  const { host, port, allowedHosts } = settings.gateway;
  const { maxRequestBodyBytes } = settings.limits;
  const server = parts.use(
    await serve(
      { port, host, allowedHosts, maxRequestBodyBytes },
      {
        fetch: (request, peer) => fetch(request, { via: "local", ...peer }),
        upgrade(_request, peer) {
          connections.checkRoom();
          return (socket) => connections.add(socket, { via: "local", ...peer });
        },
      },
      log.child({ part: "http" }),
    ),
  );
  log.info({ url: server.url, model: model.id, demo: model.demo }, "gateway listening");

  const base = new WebhookBase();
  const accept: typeof engine.accept = (source, events) => engine.accept(source, events);
  if (settings.edge !== undefined) {
    const { url, pairing } = settings.edge;
    const bundle = await bundleOf(settings, channels);
    tunnel = parts.use(
      await startTunnel(
        { edge: new URL(url), pairing, version: health.version, shelf: store },
        tunnelHandlers({ fetch, connections, takeIn: take, bundle }),
        log.child({ part: "tunnel" }),
      ),
    );
    base.follow(tunnel, url);
  }
  const loops = channels.map((one) =>
    supervise(one.id, (signal) => one.run(base.contextFor(one, accept), signal), stop.signal, {
      clock,
      random,
      log,
    }),
  );
  parts.defer(async () => {
    stop.abort();
    cutOff.abort();
    await Promise.all([connections.close(), ...loops]);
  });

  const running = parts.move();
  return {
    port: server.port,
    url: server.url,
    model,
    async drain(deadlineMs = DRAIN_DEADLINE_MS) {
      stop.abort();
      const patienceMs = Math.max(0, deadlineMs - CUT_OFF_MS);
      const late = setTimeout(() => cutOff.abort(), patienceMs);
      await Promise.all([
        server.drain(deadlineMs),
        tunnel?.drain(deadlineMs),
        engine.drain(patienceMs),
        ...loops,
      ]);
      clearTimeout(late);
      await connections.close();
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function createChain({ modelChain, providers }: Settings): Promise<[Model, ...Model[]]> {
  const [first, ...fallbacks] = modelChain;
  const others = fallbacks.map((ref) => createModel(ref, providers));
  return [await createModel(first, providers), ...(await Promise.all(others))];
}

function authenticatorOf({ config }: Settings, credential: Secret): Authenticator {
  const { exemptLoopback, ...policy } = config.gateway.auth.rateLimit;
  const settings = { credentials: [credential], exemptLoopback };
  return new Authenticator(settings, new Lockout(policy), () => Date.now());
}

async function bundleOf(
  { gateway, hooks, limits }: Settings,
  channels: readonly Channel[],
): Promise<EdgeBundle> {
  const channelRoutes = await Promise.all(channels.map((channel) => channel.ingress()));
  return edgeBundle({
    tokenDigests: [await digestOf(gateway.token.secret.reveal())],
    hooksDigest: hooks && (await digestOf(hooks.token.secret.reveal())),
    channelRoutes: channelRoutes.flat(),
    rate: limits.rate,
  });
}
