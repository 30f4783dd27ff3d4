/** Every sender that signs, told to the real core in its config as people write it. */
import { globSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { randomToken } from "../../shared/bytes.ts";
import { type CoreHome, type CoreProcess, createHome, startCore } from "../support/core.ts";
import { callEdge } from "../support/edge-with-core.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { reply } from "../support/fake-model.ts";
import { startFakeOpenAi } from "../support/fake-openai.ts";
import { becomes } from "../support/invariants.ts";
import { webhookSenders } from "../support/webhook-senders/all.ts";
import { startKeyServer } from "../support/webhook-senders/key-server.ts";
import type { Sender, Sent } from "../support/webhook-senders/sender.ts";
import { answerOf, attempt, forgeries } from "../support/webhook-senders/trial.ts";

const PATIENCE_MS = 40_000;

const keys = await startKeyServer();
/** Who is known by a digest is known to the config by what that is of, which no sender tells. */
const senders = (await webhookSenders(keys)).filter(
  ({ verification }) => !("digests" in verification),
);
const cleanup = new AsyncDisposableStack();
cleanup.use(keys);
let edge: RunningEdge;
let home: CoreHome;
let core: CoreProcess;

/** As in `sallyport.ingress.routes`. */
function written({ verification }: Sender, verifyAt: "edge" | "core") {
  const {
    secrets,
    verifyTokens: _digests,
    ...verify
  } = { secrets: undefined, verifyTokens: [], ...verification };
  // Slack and Discord would be answered at addresses of theirs.
  const agent = { deliver: "none" };
  return { verify, ...(secrets === undefined ? {} : { secrets }), verifyAt, agent };
}

/** Those that nothing but a secret is needed for may be left to the core. */
const coreSenders = senders.filter(({ name }) =>
  ["github", "stripe", "slack-events"].includes(name),
);

beforeAll(async () => {
  const pairing = randomToken();
  const bindings = { PAIRING_SECRET: pairing };
  edge = cleanup.use(await startEdge({ bindings, rateLimits: false }));
  const model = cleanup.use(await startFakeOpenAi());
  model.always(reply("Noted."));
  const routes = Object.fromEntries([
    ...senders.map((sender) => [sender.name, written(sender, "edge")] as const),
    ...coreSenders.map((sender) => [`core-${sender.name}`, written(sender, "core")] as const),
  ]);
  const env = { OPENAI_API_KEY: "sk-test", OPENAI_BASE_URL: model.baseUrl };
  const config = { sallyport: { ingress: { routes } } };
  home = cleanup.use(await createHome(edge, pairing, config, env));
  core = await startCore(home, edge);
  cleanup.defer(() => core.kill());
});
afterAll(() => cleanup.disposeAsync());

function post(base: URL, name: string, { method, query, headers, body }: Sent): Promise<Response> {
  return callEdge(base, `/hooks/${name}${query}`, { method, headers, body });
}

function draft(name: string, change: Parameters<typeof attempt>[1] = {}) {
  return attempt(new URL(`/hooks/${name}`, edge.url).href, change);
}

describe.each(senders)("$name", (sender) => {
  test("is taken in, and a forged one is not", async () => {
    const sent = await sender.send(1, draft(sender.name));
    expect(await answerOf(await post(edge.url, sender.name, sent))).toMatchObject(sent.answer);
    expect(await answerOf(await post(edge.url, sender.name, sent))).toMatchObject(sent.answer);
    for (const { what, sent: forged } of await forgeries(sender, (one) =>
      draft(sender.name, one),
    )) {
      expect([what, (await post(edge.url, sender.name, forged)).status]).toEqual([what, 401]);
    }
  });
});

describe.each(coreSenders)("$name, which the core alone can check", (sender) => {
  test("a genuine one is work, a forged one is not", async () => {
    const name = `core-${sender.name}`;
    expect((await post(edge.url, name, await sender.send(1, draft(name)))).ok).toBe(true);
    for (const { sent } of await forgeries(sender, (one) => draft(name, one))) {
      await post(edge.url, name, sent);
    }
  });

  test("its webhooks at the core's own port are checked and answered like those at the edge", async () => {
    const own = new URL(core.url);
    const sent = await sender.send(2, draft(sender.name));
    expect(await answerOf(await post(own, sender.name, sent))).toMatchObject(sent.answer);
    // And it is one event, by whichever door it comes.
    expect(await answerOf(await post(edge.url, sender.name, sent))).toMatchObject(sent.answer);
    for (const { what, sent: forged } of await forgeries(sender, (one) =>
      draft(sender.name, one),
    )) {
      expect([what, (await post(own, sender.name, forged)).status]).toEqual([what, 401]);
    }
  });
});

const Row = z.object({ route: z.string(), verified: z.string(), state: z.string() });

/** What the core has written down; its store has one reader, so the core must have ended. */
function kept(): z.output<typeof Row>[] {
  const [file = ""] = globSync(join(home.dir, "**/*.sqlite"));
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const found = db.prepare("select route, verified_by as verified, state from webhook").all();
    return z.array(Row).parse(found);
  } finally {
    db.close();
  }
}

test("the log of the core has each genuine one once, with its work done", async () => {
  const worked = await becomes(async () => {
    await core.stop();
    if (kept().every(({ state }) => state === "done")) return true;
    core = await startCore(home, edge);
    return false;
  }, PATIENCE_MS);
  expect(worked).toBe(true);
  const found = kept().map(({ route, verified }) => `${route}, verified by the ${verified}`);
  expect(found.toSorted()).toEqual(
    [
      ...senders.map(({ name }) => `${name}, verified by the edge`),
      // Once at the core's own port, once through the edge for the core to check.
      ...coreSenders.map(({ name }) => `${name}, verified by the core`),
      ...coreSenders.map(({ name }) => `core-${name}, verified by the core`),
    ].toSorted(),
  );
});
