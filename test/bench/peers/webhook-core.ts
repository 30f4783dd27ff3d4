/**
 * The real core's end of the tunnel with nothing behind it but a set of ids: what is measured is
 * what edge and relay do with webhooks. `node webhook-core.ts <URL of the edge> <pairing secret>`
 */
import { once } from "node:events";
import type { Delivered, Delivery } from "../../../core/tunnel/handlers.ts";
import { randomToken } from "../../../shared/bytes.ts";
import { Secret } from "../../../shared/secret.ts";
import { becomes } from "../../support/invariants.ts";
import { aBundle, connectCore, type TunnelCore, TOKENS } from "../../support/tunnel-core.ts";
import { serveParent } from "../processes/parent.ts";
import { ID_HEADER, ROUTES, type WebhookCounts, WebhookOrder } from "./webhook-orders.ts";

/** Wider than anything the load can reach: a limit is not what is measured. */
const RATE = { perSecond: 100_000, burst: 1_000_000 };
const DRAIN_MS = 120_000;

const [, , edge = "", pairing = ""] = process.argv;
const secret = randomToken();
const bundle = await aBundle({
  rate: RATE,
  routes: Object.entries(ROUTES).map(([name, settings]) => ({
    name,
    verification: {
      scheme: "hmac" as const,
      secrets: [secret],
      header: "x-hub-signature-256",
      prefix: "sha256=",
      id: { header: ID_HEADER.toLowerCase() },
    },
    maxBodyBytes: 1024 * 1024,
    ...settings,
  })),
});
const known = new Set<string>();
let duplicates = 0;

function deliver({ id }: Delivery): Promise<Delivered> {
  const isKnown = known.has(id);
  known.add(id);
  if (isKnown) duplicates += 1;
  return Promise.resolve(isKnown ? "duplicate" : "committed");
}

const shelf = new Map<string, string>();
const dial = (): Promise<TunnelCore> =>
  connectCore({
    edge: new URL(edge),
    pairing: new Secret(pairing),
    shelf,
    deliver,
    bundle: () => bundle,
  });
let core = await dial();

async function obey(order: WebhookOrder): Promise<void> {
  switch (order.kind) {
    case "leave":
      await core[Symbol.asyncDispose]();
      return;
    case "return":
      core = await dial();
      return;
    case "drain":
      if (await becomes(async () => known.size >= order.until, DRAIN_MS)) return;
      throw new Error(`${known.size} webhooks of ${order.until}`);
    case "count":
      return;
  }
}

async function answer(message: unknown): Promise<WebhookCounts> {
  const startedAt = performance.now();
  await obey(WebhookOrder.parse(message));
  const ms = performance.now() - startedAt;
  return { committed: known.size, duplicates, bytesIn: core.tunnel.metrics.bytes.in, ms };
}

serveParent({ token: TOKENS.operator, secret }, answer);
await once(process, "disconnect");
