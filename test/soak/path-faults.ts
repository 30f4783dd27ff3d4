import { setTimeout as sleep } from "node:timers/promises";
import { bundleEdge } from "../../infra/cloudflare/bundle.ts";
import { randomToken } from "../../shared/bytes.ts";
import { Secret } from "../../shared/secret.ts";
import { callEdge } from "../support/edge-with-core.ts";
import { startEdge } from "../support/edge.ts";
import { type FaultProxy, type Plan, startFaultProxy } from "../support/fault-proxy.ts";
import type { LegPlan } from "../support/fault-proxy-leg.ts";
import { becomes, bodyOf, EdgeLog, Ledger, strayIn } from "../support/invariants.ts";
import { mixSeed, Random } from "../support/random.ts";
import { connectCore, TOKENS } from "../support/tunnel-core.ts";
import { atRate, type Budget, type Outcome, violation } from "./scenario.ts";

const EVERY_MS = 10;
const DRAIN_MS = 120_000;
/** A request that hangs on a dead path is given up by its client. */
const PATIENCE_MS = 60_000;

/**
 * The tunnel on a path with a fault in every connection, each at another byte: requests, sockets
 * and webhooks get their own bytes or an error, and no webhook is lost.
 */
export async function breakPaths({ seconds, seed }: Budget): Promise<Outcome> {
  await using parts = new AsyncDisposableStack();
  const pairing = new Secret(randomToken());
  const log = new EdgeLog();
  const { path: scriptPath } = await bundleEdge();
  const bindings = { PAIRING_SECRET: pairing.reveal() };
  const edge = parts.use(await startEdge({ scriptPath, bindings, onLine: log.onLine }));
  const proxy = parts.use(
    await startFaultProxy({
      target: Number(edge.url.port),
      plan: (index) => planOf(new Random(mixSeed(seed, index))),
    }),
  );
  const ledger = new Ledger();
  parts.use(
    await connectCore({
      edge: new URL(`http://127.0.0.1:${proxy.port}/`),
      pairing,
      fetch: async (request) => new Response(await request.bytes()),
      deliver: async ({ id }) => ledger.commit(id),
    }),
  );
  const random = new Random(seed);
  const strays: string[] = [];
  let broken = 0;
  const jobs = [
    async (number: number) => {
      const stray = await echo(edge.url, number, random.size(300_000));
      if (stray?.startsWith("body") === true) strays.push(stray);
      else if (stray !== undefined) broken += 1;
    },
    async (number: number) => {
      const response = await callEdge(edge.url, "/hooks/telegram", {
        method: "POST",
        headers: { "X-Telegram-Bot-Api-Secret-Token": TOKENS.telegram },
        body: JSON.stringify({ update_id: number, message: { chat: { id: number % 8 } } }),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      await response.arrayBuffer();
      if (response.ok) ledger.acknowledge(`telegram:${number}`);
      else broken += 1;
    },
  ];
  const over = new AbortController();
  const shaking = shake(proxy, new Random(mixSeed(seed, 0xfa)), over.signal);
  const sending = atRate(EVERY_MS, seconds, (number) =>
    Promise.resolve(jobs[number % jobs.length]?.(number)),
  );
  const [sent] = await Promise.all([sending.finally(() => over.abort()), shaking]);
  proxy.plan = () => ({});
  proxy.sever("reset");
  const drained = await becomes(async () => {
    const response = await callEdge(edge.url, "/health", { token: TOKENS.operator });
    const { connected, spooled } = JSON.parse(await response.text()).core;
    return connected === true && spooled === 0;
  }, DRAIN_MS);
  const { acknowledged, lost, doubled } = ledger;
  return {
    counts: {
      sent,
      acknowledged: acknowledged.size,
      broken,
      connections: proxy.accepted,
      executed: ledger.order.length,
    },
    violations: [
      ...(drained ? [] : ["the relay still has webhooks, or no core"]),
      ...violation("acknowledged and lost", lost),
      ...violation("executed twice", doubled),
      ...violation("bytes of another", strays),
      ...violation(
        "complaints of the edge",
        log.complaints(["request_failed", "was lost", "webhook_not_stored"]),
      ),
    ],
  };
}

/** What one connection has to go through. */
function planOf(random: Random): Plan {
  if (random.once(10)) return { refuse: true };
  return { up: legOf(random), down: legOf(random) };
}

function legOf(random: Random): LegPlan {
  const cut = random.once(2)
    ? { atByte: random.size(3_000_000), how: random.pick(["reset", "end", "drop"] as const) }
    : undefined;
  return {
    ...(cut === undefined ? {} : { cut }),
    ...(random.once(3) ? { delayMs: random.below(50) } : {}),
    ...(random.once(4) ? { bytesPerSecond: random.between(500_000, 20_000_000) } : {}),
  };
}

/** What happens to all of them now and then. */
async function shake(proxy: FaultProxy, random: Random, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await sleep(random.between(200, 2_000));
    const what = random.below(4);
    if (what === 0) proxy.sever(random.pick(["reset", "end"]));
    else if (what === 1) proxy.stall(random.pick(["up", "down"]));
    else proxy.resume();
  }
  proxy.resume();
}

/** @returns What was wrong; what starts with `body` are bytes that nobody may ever see. */
async function echo(edge: URL, seed: number, length: number): Promise<string | undefined> {
  const response = await callEdge(edge, "/echo", {
    method: "POST",
    token: TOKENS.operator,
    body: bodyOf(seed, length),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const chunks: Uint8Array[] = [];
  let whole = true;
  try {
    for await (const chunk of response.body ?? []) chunks.push(chunk);
  } catch {
    // Broken off, as it should be: what came before must still be right.
    whole = false;
  }
  if (response.status !== 200) return `status ${response.status}`;
  const bytes = Buffer.concat(chunks);
  const stray = strayIn(bytes, seed, length);
  if (stray !== undefined) return stray;
  if (!whole) return "broken off";
  return bytes.byteLength === length ? undefined : `body ${seed} ended at ${bytes.byteLength}`;
}
