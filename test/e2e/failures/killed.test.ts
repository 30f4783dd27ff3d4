/** The real core, killed at the worst of moments. */
import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { randomToken } from "../../../shared/bytes.ts";
import { type CoreHome, type CoreProcess, createHome, startCore } from "../../support/core.ts";
import { callEdge } from "../../support/edge-with-core.ts";
import { type RunningEdge, startEdge } from "../../support/edge.ts";
import { type FakeModel, reply } from "../../support/fake-model.ts";
import { startFakeOpenAi } from "../../support/fake-openai.ts";
import { type FaultProxy, startFaultProxy } from "../../support/fault-proxy.ts";
import { EdgeLog } from "../../support/invariants.ts";
import { until } from "../../support/until.ts";

const cleanup = new AsyncDisposableStack();
const log = new EdgeLog();
let edge: RunningEdge;
let proxy: FaultProxy;
let model: FakeModel;
let home: CoreHome;
let core: CoreProcess;

beforeAll(async () => {
  const pairing = randomToken();
  edge = cleanup.use(
    await startEdge({ bindings: { PAIRING_SECRET: pairing }, onLine: log.onLine }),
  );
  proxy = cleanup.use(await startFaultProxy({ target: Number(edge.url.port) }));
  model = cleanup.use(await startFakeOpenAi());
  home = cleanup.use(
    await createHome(
      edge,
      pairing,
      {},
      {
        OPENAI_API_KEY: "sk-test",
        OPENAI_BASE_URL: model.baseUrl,
        SALLYPORT_EDGE_URL: `http://127.0.0.1:${proxy.port}`,
      },
    ),
  );
  core = await startCore(home, edge);
  cleanup.defer(() => core.kill());
});
afterAll(() => cleanup.disposeAsync());

beforeEach(() => model.always(reply((said) => `You said ${said}`)));

function chat(stream: boolean): Promise<Response> {
  return callEdge(edge.url, "/v1/chat/completions", {
    method: "POST",
    token: home.token,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      model: "openclaw",
      stream,
      messages: [{ role: "user", content: "Hello" }],
    }),
  });
}

function webhook(key: string): Promise<Response> {
  return callEdge(edge.url, "/hooks/agent", {
    method: "POST",
    token: home.hooksToken,
    headers: { "Idempotency-Key": key, "Content-Type": "application/json" },
    body: JSON.stringify({ message: `marker-${key}` }),
  });
}

async function spooled(): Promise<number> {
  const response = await callEdge(edge.url, "/health", { token: home.token });
  return JSON.parse(await response.text()).core.spooled;
}

/** How often the agent was asked to handle a webhook. */
function turnsOf(key: string): number {
  return model.requests.filter((request) => JSON.stringify(request).includes(`marker-${key}`))
    .length;
}

/** The invariants, once a new core is there: the webhook was handled, and once. */
async function handledOnce(key: string): Promise<void> {
  await until(async () => (await spooled()) === 0);
  await until(() => turnsOf(key) > 0);
  // Whatever came behind it was handled too: a second turn of it would have come before.
  const last = `after-${key}`;
  expect((await webhook(last)).status).toBe(200);
  await until(() => turnsOf(last) === 1);
  expect(turnsOf(key)).toBe(1);
  // Told by the edge, and by its runtime, of the answers that a killed core broke off.
  expect(log.complaints(["request_failed", "The connection to the core was lost"])).toEqual([]);
}

async function restart(): Promise<void> {
  await core.kill();
  proxy.sever("reset");
  proxy.resume();
  core = await startCore(home, edge);
}

test("failure 3: an answer whose core is killed breaks off, and never looks complete", async () => {
  model.replyWith("one two three four five six seven eight nine ten", { wordDelayMs: 100 });
  const response = await chat(true);
  const reader = response.body?.getReader();
  let text = "";
  while (!text.includes("two")) text += new TextDecoder().decode((await reader?.read())?.value);
  await core.kill();
  const rest = async (): Promise<void> => {
    while ((await reader?.read())?.done !== true);
  };
  await expect(rest()).rejects.toThrow();
  core = await startCore(home, edge);
});

test("failure 3: a request whose core is killed before it answers is told so", async () => {
  model.always({ kind: "hang", words: -1 });
  const before = model.requests.length;
  const waiting = chat(false);
  await until(() => model.requests.length > before);
  await core.kill();
  const response = await waiting;
  expect(response.status).toBe(502);
  expect(await response.json()).toMatchObject({ code: "core_lost", retrySafe: false });
  core = await startCore(home, edge);
});

test("failure 4: a core killed between its commit and the acknowledgement does the work once", async () => {
  proxy.stall("up");
  const sent = webhook("unacknowledged");
  await until(() => turnsOf("unacknowledged") === 1);
  // The relay waits as long as it may, and then has a copy of its own.
  expect((await sent).status).toBe(200);
  await restart();
  await handledOnce("unacknowledged");
});

test("failure 5: a core killed before its commit does the work once it is back", async () => {
  process.kill(core.pid, "SIGSTOP");
  expect((await webhook("unread")).status).toBe(200);
  expect(turnsOf("unread")).toBe(0);
  await restart();
  await handledOnce("unread");
});

test("failure 44: the same webhook five times at once is handled once", async () => {
  const answers = await Promise.all(Array.from({ length: 5 }, () => webhook("same")));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  await handledOnce("same");
});

/** As a full disk would have it: no file of the core may grow. */
function setFileSize(pid: number, bytes: string): void {
  execFileSync("prlimit", ["--pid", String(pid), `--fsize=${bytes}:`]);
}

test("failure 49: a core that cannot write leaves its webhooks with the relay until it can", async () => {
  setFileSize(core.pid, "1");
  expect((await webhook("disk-full")).status).toBe(200);
  expect([await spooled(), turnsOf("disk-full")]).toEqual([1, 0]);
  setFileSize(core.pid, "unlimited");
  // A core that comes back is given what waits at once, not when its next try is due.
  proxy.sever("reset");
  await handledOnce("disk-full");
});
