import { expect, test, vi } from "vitest";
import type { Tool } from "../tool.ts";
import type { ToolPolicy } from "../tool-policy.ts";
import { ToolInvoker } from "./invoke.ts";

function tool(name: string, run: Tool["run"], properties: object = {}): Tool {
  return { spec: { name, description: "", parameters: { type: "object", properties } }, run };
}

function world(tools: readonly Tool[], policy: ToolPolicy = { allow: [], deny: [] }) {
  const clock = { now: 0 };
  const profile = {
    id: "main",
    name: undefined,
    isDefault: true,
    identity: {},
    workspace: "/w",
    modelRefs: ["demo/echo"],
    toolNames: [],
  } as const;
  const invoker = new ToolInvoker({
    directory: {
      defaultId: () => "main",
      find: (id) => (id === "main" ? profile : undefined),
      toolsFor: async () => tools,
    },
    policy: () => policy,
    now: () => clock.now,
  });
  const { signal } = new AbortController();
  return {
    clock,
    invoke: (order: Parameters<ToolInvoker["invoke"]>[0]) => invoker.invoke(order, signal),
  };
}

test("a tool runs with its arguments, and its action among them where it knows any", async () => {
  const run = vi.fn<Tool["run"]>(async (input) => JSON.stringify(input));
  const w = world([tool("plain", run), tool("many", run, { action: {} })]);
  const order = { action: "list", args: { a: 1 } };
  expect(await w.invoke({ name: "plain", ...order })).toMatchObject({ ok: true, text: '{"a":1}' });
  expect((await w.invoke({ name: "many", ...order })).text).toBe('{"a":1,"action":"list"}');
  const own = { action: "list", args: { action: "add" } };
  expect((await w.invoke({ name: "many", ...own })).text).toBe('{"action":"add"}');
});

test.each<[string, string, ToolPolicy]>([
  ["one the agent has not", "other", { allow: [], deny: [] }],
  ["one that is closed to programs", "exec", { allow: [], deny: [] }],
  ["one the owner has closed", "echo", { allow: [], deny: ["ec*"] }],
  ["one the owner has opened and closed", "exec", { allow: ["exec"], deny: ["exec"] }],
])("%s is not found", async (_name, name, policy) => {
  const w = world([tool("echo", async () => "x"), tool("exec", async () => "x")], policy);
  await expect(w.invoke({ name })).rejects.toMatchObject({ code: "not_found" });
});

test("the owner may open what is closed", async () => {
  const w = world([tool("exec", async () => "x")], { allow: ["exec"], deny: [] });
  expect(await w.invoke({ name: "exec" })).toMatchObject({ ok: true, text: "x" });
});

test("a session names its agent, and another one beside it is refused", async () => {
  const w = world([tool("echo", async () => "x")]);
  expect(await w.invoke({ name: "echo", sessionKey: "agent:main:x" })).toMatchObject({
    agentId: "main",
  });
  for (const order of [
    { agentId: "nobody" },
    { sessionKey: "agent:nobody:x" },
    { agentId: "main", sessionKey: "agent:ada:x" },
  ]) {
    await expect(w.invoke({ name: "echo", ...order })).rejects.toMatchObject({
      code: "invalid_request",
      param: "agentId",
    });
  }
});

test("a key runs a tool once, for its caller, and for a while", async () => {
  let runs = 0;
  const run: Tool["run"] = async () => String((runs += 1));
  const w = world([tool("count", run)]);
  const order = { name: "count", idempotencyKey: "k" };
  const both = await Promise.all([w.invoke(order), w.invoke(order)]);
  expect(both.map(({ text }) => text)).toEqual(["1", "1"]);
  expect((await w.invoke({ ...order, caller: "ada" })).text).toBe("2");
  w.clock.now = 11 * 60_000;
  expect((await w.invoke(order)).text).toBe("3");
});

test("what failed may be tried again, and says nothing of why to the caller", async () => {
  const run = vi
    .fn<Tool["run"]>(async () => "fine")
    .mockRejectedValueOnce(new Error("secret path"));
  const w = world([tool("moody", run)]);
  const order = { name: "moody", idempotencyKey: "k" };
  const failed = await w.invoke(order);
  expect(failed).toMatchObject({ ok: false, text: expect.not.stringContaining("secret") });
  expect(failed.cause).toBeInstanceOf(Error);
  expect(await w.invoke(order)).toMatchObject({ ok: true, text: "fine" });
});

test("no more keys are remembered than the limit, the newest stay", async () => {
  const run = vi.fn<Tool["run"]>(async () => "x");
  const w = world([tool("count", run)]);
  for (let index = 0; index <= 200; index += 1) {
    await w.invoke({ name: "count", idempotencyKey: `k${index}` });
  }
  await w.invoke({ name: "count", idempotencyKey: "k200" });
  expect(run).toHaveBeenCalledTimes(201);
  await w.invoke({ name: "count", idempotencyKey: "k0" });
  expect(run).toHaveBeenCalledTimes(202);
});
