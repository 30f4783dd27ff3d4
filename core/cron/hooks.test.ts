import { once } from "node:events";
import { createServer } from "node:http";
import { pino } from "pino";
import { expect, test } from "vitest";
import { ConfigSchema } from "../config/schema.ts";
import type { RunOrder } from "../conversation/run.ts";
import { InternalHooks } from "./hooks.ts";
import { SystemEvents } from "./system-events.ts";

interface Request {
  readonly url: string | undefined;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

/** A receiver on loopback that answers as `status` says. */
async function receiver(status: number, location = "") {
  const requests: Request[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => (text += String(chunk)));
    request.on("end", () => {
      const { url } = request;
      requests.push({ url, authorization: request.headers.authorization, body: JSON.parse(text) });
      response.writeHead(status, location === "" ? {} : { location }).end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  return {
    url: `http://127.0.0.1:${port}/in`,
    requests,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

function world(entries: object, internal: object = {}) {
  const facts = new Map<string, string>();
  const orders: RunOrder[] = [];
  const woken: string[] = [];
  let now = 1_790_000_000_000;
  let ids = 0;
  const store = {
    get: async (key: string) => facts.get(key),
    set: async (key: string, value: string) => void facts.set(key, value),
  };
  const events = new SystemEvents(store, () => now);
  const config = ConfigSchema.parse({ hooks: { internal: { entries, ...internal } } });
  const hooks = new InternalHooks({
    settings: () => ({ config }),
    runs: {
      start: (order) => {
        orders.push(order);
        return Promise.reject(new Error("nobody waits for it here"));
      },
    },
    events,
    wake: (_agent, sessionKey) => void woken.push(sessionKey),
    defaultAgent: () => "main",
    fetch: globalThis.fetch,
    now: () => now,
    newId: () => `id${(ids += 1)}`,
    stop: new AbortController().signal,
    log: pino({ level: "silent" }),
  });
  return { hooks, events, orders, woken, pass: (ms: number) => void (now += ms) };
}

const FAILED = { event: "cron:failed", facts: { jobId: "j", name: "backup", error: "no disk" } };

test("a note waits for the agent, and wakes it when it shall", async () => {
  const action = {
    kind: "systemEvent",
    text: "{{name}} failed: {{error}}{{nothing}}",
    wake: "now",
  };
  const { hooks, events, woken } = world({ note: { events: ["cron:failed"], action } });
  hooks.happened(FAILED);
  hooks.happened({ event: "cron:finished", facts: {} });
  await hooks.settled();
  expect(await events.peek("agent:main:main")).toEqual(["backup failed: no disk"]);
  expect(woken).toEqual(["agent:main:main"]);
  expect(hooks.report("note")).toMatchObject({ fired: 1, failed: 0 });
});

test("the agent is asked in a session that is forgotten again", async () => {
  const action = { kind: "agent", message: "Look into {{jobId}}" };
  const { hooks, orders } = world({ ask: { events: ["cron"], action } });
  hooks.happened(FAILED);
  await hooks.settled();
  expect(orders).toMatchObject([{ message: "Look into j", kind: "agent" }]);
  expect(orders[0]?.sessionKey).toMatch(/^agent:main:hook:agent:internal:ask:/);
});

test("an event is posted to the address of the config, with its token", async () => {
  await using target = await receiver(204);
  const action = { kind: "post", url: target.url, token: "s3cret" };
  const { hooks } = world({ post: { events: ["cron:failed"], action } });
  hooks.happened(FAILED);
  await hooks.settled();
  expect(target.requests).toMatchObject([
    {
      url: "/in",
      authorization: "Bearer s3cret",
      body: { event: "cron:failed", hook: "post", jobId: "j", error: "no disk" },
    },
  ]);
});

test("a redirect is a failure and is not followed", async () => {
  await using elsewhere = await receiver(200);
  await using target = await receiver(307, elsewhere.url);
  const { hooks } = world({
    post: { events: ["cron:failed"], action: { kind: "post", url: target.url } },
  });
  hooks.happened(FAILED);
  await hooks.settled();
  expect(elsewhere.requests).toEqual([]);
  expect(hooks.report("post")).toMatchObject({ failed: 1, lastError: "GatewayError" });
});

test.each([
  { name: "switched off", entries: { enabled: false }, internal: {} },
  { name: "all switched off", entries: {}, internal: { enabled: false } },
])("a hook does nothing when it is $name", async ({ entries, internal }) => {
  const action = { kind: "systemEvent", text: "x" };
  const one = { events: ["cron:failed"], action, ...entries };
  const { hooks, events } = world({ one }, internal);
  hooks.happened(FAILED);
  await hooks.settled();
  expect(await events.count("agent:main:main")).toBe(0);
});

test("a hook that sets itself off does not go round for ever", async () => {
  const action = { kind: "agent", message: "again" };
  const { hooks, orders, pass } = world({ loop: { events: ["cron:failed"], action } });
  for (let count = 0; count < 500; count += 1) {
    hooks.happened(FAILED);
    await hooks.settled();
  }
  expect(orders.length).toBe(30);
  pass(61_000);
  hooks.happened(FAILED);
  await hooks.settled();
  expect(orders.length).toBe(31);
});

test.each([
  { events: ["cron:exploded"], action: { kind: "systemEvent", text: "x" } },
  { events: ["cron:failed"], action: { kind: "shell", command: "rm" } },
  { events: ["cron:failed"], action: { kind: "post", url: "file:///etc/passwd" } },
  { events: ["cron:failed"], action: { kind: "post", url: "http://user:pw@host/" } },
])("the config refuses a hook that makes no sense: $events $action.kind", (entry) => {
  const parsed = ConfigSchema.safeParse({ hooks: { internal: { entries: { entry } } } });
  expect(parsed.success).toBe(false);
});

test("entries of hooks that are code are read past", () => {
  const entries = { "session-memory": { enabled: true, messages: 5, env: { A: "b" } } };
  expect(ConfigSchema.safeParse({ hooks: { internal: { entries } } }).success).toBe(true);
});
