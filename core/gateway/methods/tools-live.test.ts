/** What a running gateway gives its agent, by who asks. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { callTools, reply } from "../../../test/support/fake-model.ts";
import { startFakeOpenAi } from "../../../test/support/fake-openai.ts";
import { callGateway } from "../../cli/client.ts";
import { configErrorText } from "../../config/issues/error.ts";
import { loadSettings } from "../../config/resolve.ts";
import { createLog } from "../../log.ts";
import { startGateway } from "../lifecycle/start.ts";

async function world() {
  await using guard = new AsyncDisposableStack();
  const gpt = guard.use(await startFakeOpenAi());
  const dir = await mkdtemp(join(tmpdir(), "tools-live-"));
  guard.defer(() => rm(dir, { recursive: true, force: true }));
  const provider = { baseUrl: gpt.baseUrl, apiKey: "sk-test-key", api: "openai-completions" };
  await writeFile(
    join(dir, "openclaw.json"),
    JSON.stringify({
      gateway: { mode: "local", port: 0 },
      models: { providers: { gpt: provider } },
      agents: { defaults: { model: "gpt/five" } },
    }),
  );
  const load = () =>
    loadSettings({
      env: { OPENCLAW_STATE_DIR: dir },
      cwd: dir,
      home: dir,
      flags: {},
      uid: undefined,
    });
  const first = await load();
  if (!first.ok) throw new Error(configErrorText(first.error));
  const log = createLog("silent", { write: () => undefined });
  const gateway = guard.use(await startGateway(first.value, log, load));
  const { secret: token } = first.value.gateway.token;
  const stack = guard.move();
  return {
    gpt,
    tools: (at: number): string =>
      JSON.stringify(JSON.parse(JSON.stringify(gpt.requests[at]?.body))["tools"]),
    async call(method: string, params: object = {}): Promise<unknown> {
      const target = { url: gateway.url, token, timeoutMs: 10_000 };
      return (await callGateway(target, method, params))?.payload;
    },
    ask: (headers: Readonly<Record<string, string>> = {}) =>
      fetch(`${gateway.url.replace(/^ws/, "http")}/v1/chat/completions`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${token.reveal()}`,
          "content-type": "application/json",
          ...headers,
        },
        body: JSON.stringify({ model: "openclaw", messages: [{ role: "user", content: "hi" }] }),
      }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const NAMES = [
  "current_time",
  "session_status",
  "sessions_list",
  "sessions_history",
  "agents_list",
  "message",
  "cron",
  "gateway",
];

test("the owner's agent makes a job, which knows no more than it may and makes no others", async () => {
  await using it = await world();
  const job = {
    name: "look",
    schedule: { kind: "at", at: "1d" },
    payload: { kind: "agentTurn", message: "Look." },
  };
  const add = { id: "c", name: "cron", input: JSON.stringify({ action: "add", job }) };
  it.gpt.next(callTools([add]), reply("I will."));
  await it.call("agent", { message: "Look tomorrow.", idempotencyKey: "one" });
  expect(await it.call("agent.wait", { runId: "one" })).toMatchObject({ status: "ok" });
  for (const name of NAMES) expect(it.tools(0)).toContain(`"${name}"`);
  const { jobs } = JSON.parse(JSON.stringify(await it.call("cron.list", {})));
  expect(jobs).toMatchObject([{ name: "look", agentId: "main" }]);
  const { toolsAllow } = jobs[0].payload;
  expect(toolsAllow).toContain("message");
  expect(toolsAllow).not.toContain("cron");
});

test("a program that asks for nobody in particular gets tools that do no harm", async () => {
  await using it = await world();
  it.gpt.next(reply("hi"), reply("hi"));
  await (await it.ask()).text();
  expect(it.tools(0)).toContain("session_status");
  for (const name of ["cron", "message", "gateway", "sessions_list"]) {
    expect(it.tools(0)).not.toContain(`"${name}"`);
  }
  await (await it.ask({ "x-openclaw-session-key": "main" })).text();
  expect(it.tools(1)).toContain('"cron"');
});

test("what can be called without an agent is what its owner has opened", async () => {
  await using it = await world();
  const effective = JSON.stringify(await it.call("tools.effective", { sessionKey: "main" }));
  for (const name of NAMES) expect(effective).toContain(`"id":"${name}"`);
  const group = await it.call("tools.effective", { sessionKey: "agent:main:telegram:group:-1" });
  expect(JSON.stringify(group)).not.toContain('"id":"message"');
  const invoke = (name: string, args: object): Promise<unknown> =>
    it.call("tools.invoke", { name, args, sessionKey: "main" });
  expect(await invoke("sessions_list", {})).toMatchObject({ ok: true });
  expect(await invoke("cron", { action: "list" })).toMatchObject({
    ok: false,
    error: { code: "not_found" },
  });
});
