import { globSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { bundleEdge } from "../../infra/cloudflare/bundle.ts";
import { randomToken } from "../../shared/bytes.ts";
import { type CoreHome, createHome, startCore } from "../support/core.ts";
import { callEdge } from "../support/edge-with-core.ts";
import { startEdge } from "../support/edge.ts";
import { startFakeOpenAi } from "../support/fake-openai.ts";
import { reply } from "../support/fake-model.ts";
import { becomes, EdgeLog } from "../support/invariants.ts";
import { atRate, type Budget, type Outcome, violation } from "./scenario.ts";

const WEBHOOKS_PER_SECOND = 50;
const KILL_EVERY_MS = 2_000;
/** For what waits in the relay, and then for the turns. */
const DRAIN_MS = 120_000;

const Row = z.object({ id: z.string(), state: z.string(), answers: z.number() });

/**
 * The real core, killed every two seconds while webhooks for its agent come in.
 *
 * What was done is read from its own store: one item for each webhook, and in the session of that
 * item one answer. The model may be asked again for a turn that was killed; nobody is answered twice.
 */
export async function killCores({ seconds }: Budget): Promise<Outcome> {
  await using parts = new AsyncDisposableStack();
  const pairing = randomToken();
  const log = new EdgeLog();
  const { path: scriptPath } = await bundleEdge();
  const edge = parts.use(
    await startEdge({ scriptPath, bindings: { PAIRING_SECRET: pairing }, onLine: log.onLine }),
  );
  const model = parts.use(await startFakeOpenAi());
  model.always(reply("done"));
  const env = { OPENAI_API_KEY: "sk-soak", OPENAI_BASE_URL: model.baseUrl };
  const home = parts.use(await createHome(edge, pairing, {}, env));

  let core = await startCore(home, edge);
  parts.defer(() => core.kill());
  const acknowledged: string[] = [];
  let refused = 0;
  let kills = 0;
  const over = new AbortController();
  const killing = (async () => {
    while (!over.signal.aborted) {
      await sleep(KILL_EVERY_MS);
      await core.kill();
      kills += 1;
      core = await startCore(home, edge);
    }
  })();
  const sending = atRate(1_000 / WEBHOOKS_PER_SECOND, seconds, async (number) => {
    const key = `soak-${number}`;
    const response = await callEdge(edge.url, "/hooks/agent", {
      method: "POST",
      token: home.hooksToken,
      headers: { "Idempotency-Key": key, "Content-Type": "application/json" },
      body: JSON.stringify({ message: `number ${number}` }),
    });
    await response.arrayBuffer();
    if (response.ok) acknowledged.push(`agent:agent:${key}`);
    else refused += 1;
  });
  const [sent] = await Promise.all([sending.finally(() => over.abort()), killing]);

  const drained = await becomes(async () => (await spooled(edge.url, home)) === 0, DRAIN_MS);
  // The store has one reader, its core: it is looked at between two runs of that.
  const worked = await becomes(async () => {
    await core.stop();
    if (rows(home).every(({ state }) => state === "done")) return true;
    core = await startCore(home, edge);
    await sleep(KILL_EVERY_MS);
    return false;
  }, DRAIN_MS);
  const done = new Map(rows(home).map((row) => [row.id, row]));
  return {
    counts: { sent, acknowledged: acknowledged.length, refused, kills, executed: done.size },
    violations: [
      ...(drained ? [] : ["the relay still has webhooks"]),
      ...(worked ? [] : ["the core still has work"]),
      ...violation(
        "acknowledged and lost",
        acknowledged.filter((id) => !done.has(id)),
      ),
      ...violation(
        "not answered exactly once",
        [...done.values()].filter(({ answers }) => answers !== 1).map(({ id }) => id),
      ),
      ...violation("complaints of the edge", log.complaints(["request_failed", "was lost"])),
    ],
  };
}

async function spooled(edge: URL, { token }: CoreHome): Promise<number> {
  const response = await callEdge(edge, "/health", { token });
  return JSON.parse(await response.text()).core.spooled;
}

/** What the core's own store says of its webhooks. */
export function rows(home: CoreHome): z.output<typeof Row>[] {
  const [file] = globSync(join(home.dir, "**/*.sqlite"));
  if (file === undefined) throw new Error("the core has no store");
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const found = db
      .prepare(
        `select i.id, i.state, (
           select count(*) from message m join session s on s.id = m.session_id
           where s.key like '%hook:' || i.id and json_extract(m.message, '$.role') = 'assistant'
         ) as answers from inbox i where i.source = 'hook'`,
      )
      .all();
    return z.array(Row).parse(found);
  } finally {
    db.close();
  }
}
