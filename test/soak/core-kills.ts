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
import { LaneSender, sendLane } from "../support/webhook-senders/lanes.ts";
import { atRate, type Budget, type Outcome, violation } from "./scenario.ts";

const WEBHOOKS_PER_SECOND = 50;
const KILL_EVERY_MS = 2_000;
/** For what waits in the relay, and then for the turns. */
const DRAIN_MS = 240_000;
/** Issues that the signed webhooks are about: each has a session, whose order is that of its lane. */
const LANES = 40;
const SESSION = "hook:repository:";

const Row = z.object({ id: z.string(), state: z.string(), answers: z.number() });
const Said = z.object({ key: z.string(), role: z.string(), text: z.string() });

/**
 * The real core, killed every two seconds while webhooks for its agent come in: half of them by
 * token, each in a session of its own, half signed as GitHub does, in lanes.
 *
 * What was done is read from its own store: one item for each webhook, and in the session of that
 * item one answer, in the order of the lane. The model may be asked again for a turn that was
 * killed; nobody is answered twice.
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
  const secret = randomToken();
  const signed = new LaneSender(LANES, "repository", secret);
  const agent = { template: "It is number {{number}}.", sessionKey: `${SESSION}{{issue.number}}` };
  const routes = { repository: { verify: "github", secret, agent } };
  const config = { sallyport: { ingress: { routes } } };
  const home = parts.use(await createHome(edge, pairing, config, env));

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
  const byToken = async (number: number): Promise<void> => {
    const key = `soak-${number}`;
    const response = await callEdge(edge.url, "/hooks/agent", {
      method: "POST",
      token: home.hooksToken,
      headers: { "Idempotency-Key": key, "Content-Type": "application/json" },
      body: JSON.stringify({ message: `number ${number}` }),
    });
    await response.arrayBuffer();
    if (response.ok) acknowledged.push(`agent:${key}`);
    else refused += 1;
  };
  // One after another in each lane: only so is there an order.
  const lanes = new Map<number, Promise<void>>();
  const inLane = (number: number): Promise<void> => {
    const lane = number % LANES;
    const before = lanes.get(lane);
    const next = (async () => {
      await before;
      refused += await sendLane(signed, edge.url, lane, Math.floor(number / LANES));
    })();
    lanes.set(lane, next);
    return next;
  };
  const sending = atRate(1_000 / WEBHOOKS_PER_SECOND, seconds, (number) =>
    number % 2 === 0 ? byToken(number / 2) : inLane((number - 1) / 2),
  );
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
  const all = rows(home);
  const done = new Map(all.map((row) => [row.id, row]));
  const { answered, disorder } = laneWork(home);
  const inLanes = Math.ceil(sent / 2);
  return {
    counts: {
      sent,
      acknowledged: acknowledged.length + inLanes,
      refused,
      kills,
      executed: done.size,
      answeredInLanes: answered,
    },
    violations: [
      ...(drained ? [] : ["the relay still has webhooks"]),
      ...(worked ? [] : ["the core still has work"]),
      ...violation(
        "acknowledged and lost",
        acknowledged.filter((id) => !done.has(id)),
      ),
      ...violation(
        "not answered exactly once",
        all
          .filter(({ id, answers }) => id.startsWith("agent:") && answers !== 1)
          .map(({ id }) => id),
      ),
      // Each was sent until it was acknowledged: there is none that may be missing.
      ...(answered === inLanes ? [] : [`${inLanes} sent in lanes, ${answered} answered`]),
      ...violation("out of order", disorder),
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
  return query(
    home,
    Row,
    `select i.id, i.state, (
       select count(*) from message m join session s on s.id = m.session_id
       where s.key = 'agent:main:hook:' || i.id and json_extract(m.message, '$.role') = 'assistant'
     ) as answers from inbox i where i.source = 'hook'`,
  );
}

/** What was said in the sessions of the lanes: a number, an answer, the next number, an answer. */
function laneWork(home: CoreHome): { readonly answered: number; readonly disorder: string[] } {
  const said = query(
    home,
    Said,
    `select s.key, json_extract(m.message, '$.role') as role, m.message as text
     from message m join session s on s.id = m.session_id
     where s.key like '%${SESSION}%' order by s.key, m.seq`,
  );
  const next = new Map<string, { number: number; isAsked: boolean }>();
  const disorder: string[] = [];
  let answered = 0;
  for (const { key, role, text } of said) {
    const lane = next.get(key) ?? { number: 0, isAsked: false };
    const number = Number(/\{\{number\}\}: (\d+)/.exec(text)?.[1] ?? -1);
    const isNext = lane.isAsked ? role === "assistant" : number === lane.number;
    if (!isNext) disorder.push(`${key}: ${role} ${number} at ${lane.number}`);
    if (role === "assistant") answered += 1;
    const isDone = role === "assistant";
    next.set(key, { number: lane.number + (isDone ? 1 : 0), isAsked: !isDone });
  }
  return { answered, disorder };
}

function query<T>(home: CoreHome, row: z.ZodType<T>, sql: string): T[] {
  const [file] = globSync(join(home.dir, "**/*.sqlite"));
  if (file === undefined) throw new Error("the core has no store");
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return z.array(row).parse(db.prepare(sql).all());
  } finally {
    db.close();
  }
}
