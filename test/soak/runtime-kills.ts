import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { bundleEdge } from "../../infra/cloudflare/bundle.ts";
import { readWrangler } from "../../infra/cloudflare/settings.ts";
import { edgeWorker, workerdConfig } from "../../infra/cloudflare/workerd-config.ts";
import { startWorkerd, type Workerd } from "../../infra/cloudflare/workerd.ts";
import { randomToken } from "../../shared/bytes.ts";
import { Secret } from "../../shared/secret.ts";
import { callEdge } from "../support/edge-with-core.ts";
import { becomes, Ledger } from "../support/invariants.ts";
import { Random } from "../support/random.ts";
import { connectCore, TOKENS } from "../support/tunnel-core.ts";
import { atRate, type Budget, type Outcome, violation } from "./scenario.ts";

const EVERY_MS = 20;
/** A core that lost its edge often waits up to 15 s before it dials again. */
const DRAIN_MS = 90_000;

/**
 * The edge's runtime, killed at random moments with a core that comes and goes: every webhook that
 * was answered 2xx is on its disk, and reaches the core.
 */
export async function killRuntimes({ seconds, seed }: Budget): Promise<Outcome> {
  await using parts = new AsyncDisposableStack();
  const storageDir = await mkdtemp(join(tmpdir(), "sallyport-soak-"));
  parts.defer(() => rm(storageDir, { recursive: true }));
  const { path } = await bundleEdge();
  const script = await readFile(path, "utf8");
  const settings = await readWrangler();
  const pairing = new Secret(randomToken());
  const start = (port: number): Promise<Workerd> => {
    const bindings = { PAIRING_SECRET: pairing.reveal() };
    return startWorkerd(
      workerdConfig(edgeWorker(settings, script, { port, storageDir, bindings })),
      () => undefined,
    );
  };
  let runtime = await start(0);
  parts.defer(() => runtime[Symbol.asyncDispose]());
  const edge = new URL(`http://127.0.0.1:${runtime.port}/`);

  const ledger = new Ledger();
  const random = new Random(seed);
  const shelf = new Map<string, string>();
  const connect = () =>
    connectCore({
      edge,
      pairing,
      shelf,
      // Busy now and then for longer than the relay waits: then the webhook is in the spool.
      deliver: async ({ id }) => {
        if (random.once(50)) await sleep(3_000);
        return ledger.commit(id);
      },
    });
  let core = await connect();
  parts.defer(() => core[Symbol.asyncDispose]());

  let kills = 0;
  const over = new AbortController();
  const killing = (async () => {
    while (!over.signal.aborted) {
      await sleep(random.between(500, 3_000));
      const { port } = runtime;
      process.kill(runtime.pid, "SIGKILL");
      await runtime.exited;
      kills += 1;
      runtime = await start(port);
      if (!random.once(3)) continue;
      await core[Symbol.asyncDispose]();
      await sleep(random.between(0, 1_000));
      core = await connect();
    }
  })();
  let refused = 0;
  const sending = atRate(EVERY_MS, seconds, async (number) => {
    const response = await callEdge(edge, "/hooks/telegram", {
      method: "POST",
      headers: { "X-Telegram-Bot-Api-Secret-Token": TOKENS.telegram },
      body: JSON.stringify({ update_id: number, message: { chat: { id: number % 8 } } }),
    });
    await response.arrayBuffer();
    if (response.ok) ledger.acknowledge(`telegram:${number}`);
    else refused += 1;
  });
  const [sent] = await Promise.all([sending.finally(() => over.abort()), killing]);
  const drained = await becomes(async () => {
    const response = await callEdge(edge, "/health", { token: TOKENS.operator });
    const { connected, spooled } = JSON.parse(await response.text()).core;
    return connected === true && spooled === 0;
  }, DRAIN_MS);
  const { acknowledged, lost, doubled, order } = ledger;
  return {
    counts: { sent, acknowledged: acknowledged.size, refused, kills, executed: order.length },
    violations: [
      ...(drained ? [] : ["the relay still has webhooks"]),
      ...violation("acknowledged and lost", lost),
      ...violation("executed twice", doubled),
    ],
  };
}
