import type { Logger } from "pino";
import type { Channel, Outlet } from "../channels/channel.ts";
import type { Clock } from "../channels/clock.ts";
import type { IngressSettings } from "../config/ingress/ingress.ts";
import type { Engine } from "../conversation/engine.ts";
import type { WorkHandler } from "../conversation/work.ts";
import { FORWARD_SOURCE, type Store } from "../store/store.ts";
import type { Tunnel } from "../tunnel/handlers.ts";
import { startAlerts } from "../webhooks/alerts/alerts.ts";
import { WebhookDesk } from "../webhooks/desk.ts";
import { forwarder } from "../webhooks/forward/forward.ts";
import { lazyWebhookMethods } from "../webhooks/methods/lazy.ts";
import type { Door } from "../webhooks/methods/parts.ts";
import { senderOutlets } from "../webhooks/senders/outlets.ts";
import type { Origin } from "./auth/auth.ts";
import { webhooksAt } from "./webhook-base.ts";
import type { WebhookCounts } from "./app/metrics-webhooks.ts";
import type { Method } from "../methods/method.ts";

/** Dead webhooks that are counted: from here on more is as bad. */
const MAX_COUNTED = 1_000;

export interface WebhookParts {
  readonly ingress: () => IngressSettings;
  readonly channel: (id: string) => Channel | undefined;
  readonly store: Store;
  readonly engine: Engine;
  readonly tunnel: () => Tunnel | undefined;
  /** Of the edge; undefined: there is none. */
  readonly edgeUrl: string | undefined;
  /** Our own port, without its socket. */
  readonly fetch: (request: Request, origin: Origin) => Response | Promise<Response>;
  readonly port: number;
  readonly clock: Clock;
  /** Aborts when the gateway takes in nothing more. */
  readonly stop: AbortSignal;
  readonly log: Logger;
}

/** All that the gateway does with webhooks. */
export interface Webhooks {
  /** For `/metrics`. */
  readonly counts: () => Promise<WebhookCounts>;
  readonly desk: WebhookDesk;
  readonly methods: readonly (readonly [string, Method])[];
  /** Tells people what is wrong until the gateway stops. Never rejects. */
  watch(): Promise<void>;
}

/** Handlers of work on webhooks that is no turn of the agent. */
export function webhookHandlers(parts: {
  readonly ingress: () => IngressSettings;
  readonly store: Store;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}): ReadonlyMap<string, WorkHandler> {
  const { now } = parts.clock;
  const forward = forwarder({ ...parts, now, fetch: (url, init) => fetch(url, init) });
  return new Map([[FORWARD_SOURCE, forward]]);
}

/** Ways back to senders of webhooks, by scheme. */
export function webhookSenders(parts: {
  readonly ingress: () => IngressSettings;
  readonly store: Store;
  readonly clock: Clock;
}): ReadonlyMap<string, Outlet> {
  const { now } = parts.clock;
  return senderOutlets({ ...parts, now, fetch: (url, init) => fetch(url, init) });
}

export function createWebhooks(parts: WebhookParts): Webhooks {
  const { store, engine, tunnel, ingress, edgeUrl, clock, stop, log } = parts;
  const { now } = clock;
  const edgePath = (): string => webhooksAt(tunnel(), ingress().path);
  const desk = new WebhookDesk({
    ...parts,
    publicUrl: () => (edgeUrl === undefined ? undefined : new URL(edgeUrl)),
    hooksPath: edgePath,
    now,
  });
  const refused = (): ReadonlyMap<string, number> => desk.refusals.counts();
  const door = (): Door =>
    edgeUrl !== undefined && tunnel()?.state.connected === true
      ? { url: new URL(`${edgePath()}/`, edgeUrl), fetch: (request) => fetch(request) }
      : localDoor(parts);
  const methods = lazyWebhookMethods({ store, desk, tunnel, ingress, door, stop, now });
  return {
    desk,
    methods,
    async counts() {
      const [routes, dead] = await Promise.all([
        store.webhookStats(),
        store.webhooks({ state: "dead", limit: MAX_COUNTED }),
      ]);
      return { routes, dead: dead.length, replies: engine.replies, refused: refused() };
    },
    async watch() {
      try {
        await startAlerts({ store, engine, tunnel, ingress, refused, clock, log }, stop);
      } catch (error) {
        log.error({ err: error }, "webhook alerts are off");
      }
    },
  };
}

function localDoor({ fetch, port, ingress }: WebhookParts): Door {
  const { path } = ingress();
  return {
    url: new URL(`${path}/`, `http://127.0.0.1:${port}`),
    fetch: async (request) =>
      fetch(request, { via: "local", ip: "127.0.0.1", requestId: crypto.randomUUID() }),
  };
}
