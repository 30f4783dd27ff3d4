import { EventEmitter, once } from "node:events";
import { pino } from "pino";
import type { Delivery, Tunnel, TunnelHandlers } from "../../core/tunnel/handlers.ts";
import { startTunnel } from "../../core/tunnel/dial.ts";
import { randomToken } from "../../shared/bytes.ts";
import { digestOf } from "../../shared/constant-time.ts";
import type { EdgeBundle, Verifier } from "../../shared/edge-bundle.ts";
import type { Scope } from "../../shared/principal.ts";
import type { Secret } from "../../shared/secret.ts";

/** Published by default: one owner, one token for chats, and a webhook of each scheme. */
export const TOKENS = {
  operator: randomToken(),
  chat: randomToken(),
  hook: randomToken(),
  telegram: randomToken(),
} as const;

async function verifier(subject: string, token: string, scopes: Scope[]): Promise<Verifier> {
  return { digest: await digestOf(token), subject, scopes };
}

export async function aBundle(change: Partial<EdgeBundle> = {}): Promise<EdgeBundle> {
  return {
    verifiers: [
      await verifier("owner", TOKENS.operator, ["operator"]),
      await verifier("guest", TOKENS.chat, ["chat"]),
    ],
    routes: [
      {
        name: "agent",
        verification: { scheme: "bearer", digests: [await digestOf(TOKENS.hook)] },
        maxBodyBytes: 1024,
      },
      {
        name: "telegram",
        verification: { scheme: "telegram", digests: [await digestOf(TOKENS.telegram)] },
        maxBodyBytes: 1024 * 1024,
      },
    ],
    rate: { perSecond: 1_000, burst: 5_000 },
    ...change,
  };
}

export interface TunnelCore extends AsyncDisposable {
  readonly tunnel: Tunnel;
  readonly deliveries: readonly Delivery[];
  /** Sends the bundle again; resolves when the edge has it. */
  republish(): Promise<void>;
  /** Resolves once so many have come. */
  delivered(count: number): Promise<void>;
}

export interface TunnelCoreOptions {
  readonly edge: URL;
  readonly pairing: Secret;
  readonly fetch?: TunnelHandlers["fetch"];
  readonly upgrade?: TunnelHandlers["upgrade"];
  readonly deliver?: TunnelHandlers["deliver"];
  readonly bundle?: () => EdgeBundle;
  /** What the core has stored of itself: pass the same one again for a core that comes back. */
  readonly shelf?: Map<string, string>;
}

/** The real core's end of the tunnel with a gateway of our choosing; the edge knows its bundle. */
export async function connectCore(options: TunnelCoreOptions): Promise<TunnelCore> {
  const deliveries: Delivery[] = [];
  const bundle = await aBundle();
  const shelf = options.shelf ?? new Map<string, string>();
  const events = new EventEmitter();
  const write = (line: string): void => {
    if (line.includes("edge has our routes and tokens")) events.emit("published");
  };
  const published = once(events, "published");
  const tunnel = await startTunnel(
    {
      edge: options.edge,
      pairing: options.pairing,
      version: "0.0.0-test",
      shelf: {
        get: (name) => Promise.resolve(shelf.get(name)),
        set: (name, value) => Promise.resolve(void shelf.set(name, value)),
      },
    },
    {
      fetch: options.fetch ?? (() => Promise.resolve(new Response("hello from the core"))),
      upgrade:
        options.upgrade ??
        (() => Promise.resolve({ accepted: false, response: new Response("no", { status: 404 }) })),
      deliver: async (delivery) => {
        const result = (await options.deliver?.(delivery)) ?? "committed";
        deliveries.push(delivery);
        events.emit("delivery");
        return result;
      },
      bundle: options.bundle ?? (() => bundle),
    },
    pino({ level: "info" }, { write }),
  );
  await published;
  return {
    tunnel,
    deliveries,
    async republish() {
      const again = once(events, "published");
      tunnel.publish();
      await again;
    },
    async delivered(count) {
      while (deliveries.length < count) await once(events, "delivery");
    },
    [Symbol.asyncDispose]: () => tunnel[Symbol.asyncDispose](),
  };
}
