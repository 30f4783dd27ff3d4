import { bundleEdge } from "../../infra/cloudflare/bundle.ts";
import { randomToken } from "../../shared/bytes.ts";
import { Secret } from "../../shared/secret.ts";
import { callEdge } from "../support/edge-with-core.ts";
import { startEdge } from "../support/edge.ts";
import { evictRelay } from "../support/evict.ts";
import { EdgeLog } from "../support/invariants.ts";
import { connectCore } from "../support/tunnel-core.ts";
import type { Budget, Outcome } from "./scenario.ts";

/** Wrong tokens at once, again and again: a round is what one relay may be woken once for. */
const ROUND = 10_000;
const AT_ONCE = 100;

/** Callers without a good token, ten thousand a round: the relay sleeps on, the core hears nothing. */
export async function floodEdge({ seconds }: Budget): Promise<Outcome> {
  await using parts = new AsyncDisposableStack();
  const pairing = new Secret(randomToken());
  const log = new EdgeLog();
  const { path: scriptPath } = await bundleEdge();
  const bindings = { PAIRING_SECRET: pairing.reveal() };
  const edge = parts.use(await startEdge({ scriptPath, bindings, onLine: log.onLine }));
  let heard = 0;
  const count = (): Promise<Response> => {
    heard += 1;
    return Promise.resolve(new Response());
  };
  parts.use(await connectCore({ edge: edge.url, pairing, fetch: count }));
  const statuses = new Map<number, number>();
  let rounds = 0;
  let mostWakes = 0;
  const until = performance.now() + seconds * 1000;
  do {
    // Asleep already, after a long round, is as good.
    await evictRelay(edge).catch(() => undefined);
    const before = log.count("relay_awake");
    for (let sent = 0; sent < ROUND; sent += AT_ONCE) {
      const answers = Array.from({ length: AT_ONCE }, async () => {
        const response = await callEdge(edge.url, "/v1/models", { token: randomToken() });
        await response.arrayBuffer();
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      });
      await Promise.all(answers);
    }
    rounds += 1;
    mostWakes = Math.max(mostWakes, log.count("relay_awake") - before);
  } while (performance.now() < until);
  const others = [...statuses.keys()].filter((status) => status !== 401 && status !== 429);
  return {
    counts: { requests: rounds * ROUND, mostWakes },
    violations: [
      ...(mostWakes > 1 ? [`the relay was woken ${mostWakes} times in one round`] : []),
      ...(heard > 0 ? [`the core heard of ${heard}`] : []),
      ...(others.length > 0 ? [`answers of status ${others.join(", ")}`] : []),
    ],
  };
}
