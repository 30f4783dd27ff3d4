/** Webhooks as the Worker hands them to the relay once it has verified them. */
import * as z from "zod";
import type { RunningEdge } from "./edge.ts";
import { RELAY_NAME } from "./evict.ts";

/** What a test says of a webhook; all else is as most have it. */
export interface CalledWebhook {
  readonly route?: string;
  /** Of the route it was judged by. */
  readonly mark?: string;
  /** Its events as `[id, lane]`. */
  readonly items: readonly (readonly [id: string, lane: string])[];
  readonly mode?: "express" | "durable" | "sync";
  readonly syncMs?: number;
  /** Empty: the core must verify it. */
  readonly verified?: string;
  readonly rate?: { readonly perSecond: number; readonly burst: number };
  readonly outageAfterMs?: number;
  readonly bytes?: number;
  readonly refused?: readonly { route: string; reason: string; count: number }[];
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const Answer = z.object({
  result: z.enum(["committed", "duplicate", "spooled"]),
  sync: z.object({ status: z.int(), contentType: z.string(), body: z.string() }).optional(),
  outageMs: z.number().optional(),
});
export type RelayAnswer = z.output<typeof Answer>;

/** Hands a webhook to the relay of an edge of `bundleFaultyEdge`. */
export async function callRelay(edge: RunningEdge, called: CalledWebhook): Promise<Response> {
  const { items, body = "{}", route = "shop", headers: sent = {}, ...rest } = called;
  const call = {
    v: 1,
    kind: "deliver",
    requestId: crypto.randomUUID(),
    route,
    deliveryId: items.map(([id]) => id).join("+"),
    items: items.map(([id, lane]) => ({ id, lane })),
    receivedAt: Date.now(),
    mode: "express",
    syncMs: 0,
    verified: "github",
    secret: 0,
    method: "POST",
    query: "",
    ip: "192.0.2.1",
    ...rest,
  };
  const headers = { ...sent, "X-Test-Call": JSON.stringify({ name: RELAY_NAME, call }) };
  return fetch(edge.url, { method: "POST", headers, body });
}

/** The same for one that is taken. @throws Error when it is not. */
export async function deliver(edge: RunningEdge, called: CalledWebhook): Promise<RelayAnswer> {
  const response = await callRelay(edge, called);
  if (!response.ok) throw new Error(`the relay answered ${response.status}`);
  return Answer.parse(await response.json());
}

/** Webhooks by number, each a lane of its own unless `lane` says otherwise. */
export function webhook(number: number, lane = `shop:${number}`): CalledWebhook {
  return { items: [[`shop:${number}`, lane]] };
}
