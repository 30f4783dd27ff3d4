import { setTimeout as sleep } from "node:timers/promises";
import { bundleEdge } from "../../infra/cloudflare/bundle.ts";
import { randomToken } from "../../shared/bytes.ts";
import { type CoreProcess, createHome, startCore } from "../support/core.ts";
import { callEdge } from "../support/edge-with-core.ts";
import { startEdge } from "../support/edge.ts";
import { reply } from "../support/fake-model.ts";
import { startFakeOpenAi } from "../support/fake-openai.ts";
import { becomes, EdgeLog } from "../support/invariants.ts";
import { rows } from "./core-kills.ts";
import { GatewayClient } from "./gateway-client.ts";
import { atRate, type Budget, type Outcome, violation } from "./scenario.ts";

const PER_SECOND = 50;
const CLIENTS = 10;
const SWAP_EVERY_MS = 3_000;
const DRAIN_MS = 120_000;

/**
 * Two real cores on one state folder that take turns: the one that leads is told to end, the other
 * takes over, and a new one stands by. No caller, sender or client may notice.
 */
export async function rollCores({ seconds }: Budget): Promise<Outcome> {
  await using parts = new AsyncDisposableStack();
  const pairing = randomToken();
  const log = new EdgeLog();
  const { path: scriptPath } = await bundleEdge();
  const bindings = { PAIRING_SECRET: pairing };
  const edge = parts.use(await startEdge({ scriptPath, bindings, onLine: log.onLine }));
  const model = parts.use(await startFakeOpenAi());
  model.always(reply("done"));
  const env = { OPENAI_API_KEY: "sk-soak", OPENAI_BASE_URL: model.baseUrl };
  const limits = { rate: { perSecond: 10_000, burst: 50_000 } };
  const home = parts.use(await createHome(edge, pairing, { sallyport: { limits } }, env));
  let [leader, standby] = [await startCore(home, edge), await startStandby()];
  parts.defer(async () => void (await Promise.all([leader.kill(), standby.kill()])));

  async function startStandby(): Promise<CoreProcess> {
    const core = await startCore(home, edge, ["--standby"]);
    await logged(core, "tunnel connected");
    return core;
  }

  // Of the time before there was a core.
  log.lines.length = 0;
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, () => GatewayClient.open(edge.url, home.token)),
  );
  parts.defer(() => {
    for (const client of clients) client.end();
  });
  const bad: string[] = [];
  const acknowledged: string[] = [];
  const over = new AbortController();
  let swaps = 0;
  const rolling = (async () => {
    while (!over.signal.aborted) {
      await sleep(SWAP_EVERY_MS);
      const code = await leader.stop();
      if (code !== 0) bad.push(`a core ended with ${code}`);
      await logged(standby, "gateway listening");
      leader = standby;
      standby = await startStandby();
      swaps += 1;
    }
  })();
  const asking = atRate(1_000 / PER_SECOND, seconds, async () => {
    const status = await answerTo(callEdge(edge.url, "/v1/models", { token: home.token }));
    if (status !== "200") bad.push(`a request was answered ${status}`);
  });
  const sending = atRate(1_000 / PER_SECOND, seconds, async (number) => {
    const key = `roll-${number}`;
    const status = await answerTo(
      callEdge(edge.url, "/hooks/agent", {
        method: "POST",
        token: home.hooksToken,
        headers: { "Idempotency-Key": key, "Content-Type": "application/json" },
        body: JSON.stringify({ message: `number ${number}` }),
      }),
    );
    if (status === "200") acknowledged.push(`agent:${key}`);
    else bad.push(`a webhook was answered ${status}`);
  });
  const [requests, webhooks] = await Promise.all([asking, sending]);
  over.abort();
  await rolling;
  for (const client of clients) client.stop();
  await becomes(async () => clients.every(({ settled }) => settled), DRAIN_MS);
  await becomes(async () => {
    const response = await callEdge(edge.url, "/health", { token: home.token });
    return JSON.parse(await response.text()).core.spooled === 0;
  }, DRAIN_MS);
  // The store is read between two cores.
  await Promise.all([standby.stop(), leader.stop()]);
  await becomes(async () => {
    if (rows(home).every(({ state }) => state === "done")) return true;
    const core = await startCore(home, edge);
    await sleep(SWAP_EVERY_MS);
    await core.stop();
    return false;
  }, DRAIN_MS);
  const done = new Map(rows(home).map((row) => [row.id, row]));
  const answers = clients.flatMap(({ answers: each }) => [...each.values()]);
  return {
    counts: { requests, webhooks, swaps, executed: done.size, answered: answers.length },
    violations: [
      ...violation("failures that somebody saw", bad),
      ...violation(
        "acknowledged and lost",
        acknowledged.filter((id) => done.get(id)?.state !== "done"),
      ),
      ...violation(
        "not answered exactly once",
        [...done.values()].filter((row) => row.answers !== 1).map(({ id }) => id),
      ),
      ...violation(
        "clients that were closed",
        clients.flatMap(({ closed }) => (closed === undefined ? [] : [String(closed)])),
      ),
      ...violation(
        "clients without an answer",
        clients.flatMap(({ settled }, index) => (settled ? [] : [String(index)])),
      ),
      ...violation("answers that came twice", answers.filter((times) => times > 1).map(String)),
      ...violation("complaints of the edge", log.complaints()),
    ],
  };
}

async function answerTo(call: Promise<Response>): Promise<string> {
  try {
    const response = await call;
    await response.arrayBuffer();
    return String(response.status);
  } catch (error) {
    return String(error);
  }
}

async function logged(core: CoreProcess, text: string): Promise<void> {
  while (!core.log.some((line) => line.includes(text))) await sleep(20);
}
