import { expect, test } from "vitest";
import {
  validateExecApprovalGetParams,
  validateExecApprovalRequestParams,
  validateExecApprovalResolveParams,
  validateExecApprovalsSetParams,
} from "@openclaw/gateway-protocol";
import { commandLineContext } from "../command-line.ts";
import type { CallContext, Method } from "../method.ts";
import { lazyApprovalMethods } from "./lazy.ts";
import { approvalMethods, type ApprovalParts } from "./methods.ts";

function world() {
  const facts = new Map<string, string>();
  const events: [string, unknown][] = [];
  const parts: ApprovalParts = {
    store: {
      get: async (key) => facts.get(key),
      set: async (key, value) => void facts.set(key, value),
    },
    hub: { publish: (event, payload) => void events.push([event, payload]) },
    stateDir: "/state",
    now: () => 1_000,
  };
  const methods = new Map<string, Method>(lazyApprovalMethods(parts));
  const accepted: unknown[] = [];
  const context: CallContext = {
    ...commandLineContext(new AbortController().signal),
    accept: (payload) => void accepted.push(payload),
  };
  const call = async (name: string, params: unknown = {}): Promise<unknown> =>
    methods.get(name)?.call(params, context);
  return { parts, methods, events, accepted, call };
}

test("what is loaded later has the names and scopes that were promised", () => {
  const { parts, methods } = world();
  const promised = [...methods].map(([name, { scope }]) => [name, scope]);
  const kept = approvalMethods(parts).map(([name, { scope }]) => [name, scope]);
  expect(new Map(kept.map(([name, scope]) => [name, scope]))).toEqual(
    new Map(promised.map(([name, scope]) => [name, scope])),
  );
});

test("a command waits until somebody allows it, and its reviewers are told of both", async () => {
  const it = world();
  const params = {
    id: "a1",
    command: "rm -rf build",
    agentId: "main",
    twoPhase: true,
    timeoutMs: 60_000,
  };
  expect(validateExecApprovalRequestParams(params)).toBe(true);
  const asked = it.call("exec.approval.request", params);
  await expect
    .poll(() => it.accepted)
    .toEqual([{ status: "accepted", id: "a1", createdAtMs: 1_000, expiresAtMs: 61_000 }]);
  expect(it.events).toEqual([
    [
      "exec.approval.requested",
      expect.objectContaining({
        id: "a1",
        request: expect.objectContaining({ command: "rm -rf build", agentId: "main", cwd: null }),
      }),
    ],
  ]);
  expect(await it.call("exec.approval.list")).toMatchObject([{ id: "a1" }]);
  expect(validateExecApprovalGetParams({ id: "a1" })).toBe(true);
  expect(await it.call("exec.approval.get", { id: "a1" })).toEqual({
    id: "a1",
    commandText: "rm -rf build",
    commandPreview: null,
    allowedDecisions: ["allow-once", "allow-always", "deny"],
    host: null,
    nodeId: null,
    agentId: "main",
    expiresAtMs: 61_000,
  });
  const waiting = it.call("exec.approval.waitDecision", { id: "a1" });
  const decision = { id: "a1", decision: "allow-once" };
  expect(validateExecApprovalResolveParams(decision)).toBe(true);
  expect(await it.call("exec.approval.resolve", decision)).toEqual({ ok: true });
  const outcome = { id: "a1", decision: "allow-once", createdAtMs: 1_000, expiresAtMs: 61_000 };
  expect(await asked).toEqual(outcome);
  expect(await waiting).toEqual(outcome);
  expect(await it.call("exec.approval.waitDecision", { id: "a1" })).toEqual(outcome);
  expect(it.events.at(-1)).toMatchObject([
    "exec.approval.resolved",
    { id: "a1", resolvedBy: "cli" },
  ]);
  expect(await it.call("exec.approval.list")).toEqual([]);
});

test("a command that nobody looks at ends without a decision", async () => {
  const it = world();
  const outcome = await it.call("exec.approval.request", { id: "a2", command: "ls", timeoutMs: 1 });
  expect(outcome).toMatchObject({ id: "a2", decision: null });
  await expect(it.call("exec.approval.resolve", { id: "a2", decision: "deny" })).rejects.toThrow(
    "unknown or expired",
  );
});

test.each([
  ["no command", "exec.approval.request", { id: "x" }, "command is required"],
  ["an unknown id", "exec.approval.get", { id: "x" }, "unknown or expired"],
  ["nothing to wait for", "exec.approval.waitDecision", { id: "x" }, "not found"],
  [
    "an unknown decision",
    "exec.approval.resolve",
    { id: "open", decision: "maybe" },
    "invalid decision",
  ],
  [
    "for good, where each is asked for",
    "exec.approval.resolve",
    { id: "open", decision: "allow-always" },
    "unavailable",
  ],
  ["the id of another command", "exec.approval.request", { id: "open", command: "ls" }, "in use"],
  ["an unknown property", "exec.approvals.get", { bad: 1 }, "bad"],
])("%s is refused", async (_name, method, params, message) => {
  const it = world();
  const open = it.call("exec.approval.request", { id: "open", command: "id", ask: "always" });
  await expect.poll(() => it.events).toHaveLength(1);
  await expect(it.call(method, params)).rejects.toThrow(message);
  await it.call("exec.approval.resolve", { id: "open", decision: "deny" });
  expect(await open).toMatchObject({ decision: "deny" });
});

test("of a flood only so many wait", async () => {
  const it = world();
  const asked = Array.from({ length: 300 }, (_, index) =>
    it.call("exec.approval.request", { id: `f${index}`, command: "ls", timeoutMs: 500 }).then(
      () => "waited",
      () => "refused",
    ),
  );
  const outcomes = await Promise.all(asked);
  expect(outcomes.filter((one) => one === "refused")).toHaveLength(44);
});

test("the file keeps the credential of its socket to itself", async () => {
  const it = world();
  const file = { version: 1, socket: { path: "/s", token: "s3cret" }, agents: {} };
  expect(validateExecApprovalsSetParams({ file })).toBe(true);
  const set = await it.call("exec.approvals.set", { file });
  expect(JSON.stringify(set)).not.toContain("s3cret");
  const { hash } = Object(set);
  const again = await it.call("exec.approvals.set", { file: { version: 1 }, baseHash: hash });
  expect(again).toMatchObject({ exists: true, file: { version: 1 } });
  await expect(
    it.call("exec.approvals.set", { file: { version: 1 }, baseHash: hash }),
  ).rejects.toThrow("changed since last load");
});

test("whoever waits for a decision stops waiting when the gateway is about to end", async () => {
  const it = world();
  const { signal: client } = new AbortController();
  const end = new AbortController();
  const context = { ...commandLineContext(client), patience: end.signal };
  const call = async (name: string, params: object): Promise<unknown> =>
    it.methods.get(name)?.call(params, context);
  const asked = call("exec.approval.request", { id: "a1", command: "ls" });
  await expect.poll(() => it.call("exec.approval.list")).toHaveLength(1);
  const waits = call("exec.approval.waitDecision", { id: "a1" });
  end.abort();
  for (const one of [asked, waits]) {
    await expect(one).rejects.toMatchObject({ code: "core_draining" });
  }
  // The question is still there for whoever decides.
  expect(await it.call("exec.approval.list")).toHaveLength(1);
});
