/** An edge in the middle of a deploy, when its Worker and its relay are not of one version. */
import type { RunningEdge } from "./edge.ts";
import { bundleWorker } from "./evict.ts";

/** Which of the two is the older one. */
export type Skew = "none" | "older-worker" | "newer-worker" | "older-relay";

const CONTROL = "X-Test-Skew";

/**
 * What a version before ours does not say, or does not know; and what one after ours adds. `v` is
 * the version of calls: it changes only for what an older relay must refuse.
 */
const SKEWED_WORKER = `
import app, { Relay as Product } from "./edge/worker.ts";

const CALL = "X-Gw-Internal-Call";
let skew = "none";

const older = ({ startedAt, ticket, identity, ...call }) => {
  if (call.kind !== "tunnel") return call;
  const { publicKey, relay, relays, ...known } = call;
  return known;
};
const newer = (call) => ({ ...call, wish: "a field of tomorrow", parts: [1, { two: 2 }] });
const unknown = new Set(["probe", "identity"]);

export class Relay extends Product {
  async fetch(request) {
    const call = JSON.parse(request.headers.get(CALL));
    const headers = new Headers(request.headers);
    if (skew === "older-worker") headers.set(CALL, JSON.stringify(older(call)));
    if (skew === "newer-worker") headers.set(CALL, JSON.stringify(newer(call)));
    if (skew !== "older-relay") return super.fetch(new Request(request, { headers }));
    // It knows fewer kinds of calls, and its answers have fewer fields.
    if (unknown.has(call.kind)) throw new RangeError("not a call this relay understands");
    const answer = await super.fetch(request);
    if (call.kind !== "state") return answer;
    const { colo, ...known } = await answer.json();
    return Response.json(known, answer);
  }
}

export default {
  async fetch(request, env, ctx) {
    const wanted = request.headers.get("${CONTROL}");
    if (wanted === null) return app.fetch(request, env, ctx);
    if (wanted.startsWith("{")) {
      const stub = env.RELAY.get(env.RELAY.idFromName("relay:v1:default:weur:1:0"));
      const headers = { [CALL]: wanted };
      return stub.fetch("https://relay.internal/", { headers }).catch(
        (error) => new Response(String(error), { status: 599 }),
      );
    }
    skew = wanted;
    return new Response("done");
  },
};
`;

/** @returns The path of its bundle, for `startEdge`. */
export function bundleSkewedEdge(): Promise<string> {
  return bundleWorker(SKEWED_WORKER, "skewed");
}

/** From now on. */
export async function setSkew({ url }: RunningEdge, skew: Skew): Promise<void> {
  const response = await fetch(url, { headers: { [CONTROL]: skew } });
  await response.arrayBuffer();
}

/** Says something to the relay that no Worker of ours says. @returns What it answers. */
export async function callRelay({ url }: RunningEdge, call: object): Promise<string> {
  const response = await fetch(url, { headers: { [CONTROL]: JSON.stringify(call) } });
  return `${response.status} ${await response.text()}`;
}
