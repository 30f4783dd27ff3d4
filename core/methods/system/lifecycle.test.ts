import { expect, test } from "vitest";
import * as z from "zod";
import { commandLineContext } from "../command-line.ts";
import { lifecycleMethods } from "./lifecycle.ts";
import type { RestartFacts } from "./restart.ts";
import { Suspension } from "./suspension.ts";

function world() {
  const orders: object[] = [];
  const shelf = new Map<string, string>();
  const phases: string[] = [];
  let now = 0;
  let runs = 0;
  let pending: RestartFacts | undefined;
  const blockers = () =>
    runs === 0 ? [] : [{ kind: "chat-run", count: runs, message: "runs" } as const];
  const kept = {
    get: async (key: string) => shelf.get(key),
    set: async (key: string, value: string) => void shelf.set(key, value),
  };
  const process = async () => {
    const suspension = new Suspension(
      () => now,
      (phase) => phases.push(phase),
    );
    suspension.lookAt(blockers);
    await suspension.recall(kept);
    const methods = new Map(
      lifecycleMethods({
        restart: (order) => orders.push(order),
        pendingRestart: () => pending,
        suspension,
        publicKey: async () => "AAAA",
        instanceId: "this-process",
      }),
    );
    const call = async (name: string, params: object = {}): Promise<unknown> =>
      methods.get(`gateway.${name}`)?.call(params, context);
    return { suspension, call };
  };
  const context = commandLineContext(new AbortController().signal);
  return {
    orders,
    phases,
    process,
    work: (count: number) => (runs = count),
    pass: (ms: number) => (now += ms),
    pend: (restart: RestartFacts) => (pending = restart),
  };
}

const Prepared = z.object({ suspensionId: z.string(), expiresAtMs: z.number() });

test("a restart is asked for with what is known of it, and one that is to come is the same", async () => {
  const it = world();
  const { call } = await it.process();
  expect(await call("restart.request", { reason: "a" })).toMatchObject({ status: "scheduled" });
  expect(it.orders).toEqual([{ reason: "a", delayMs: 50, forced: false }]);
  it.work(2);
  expect(await call("restart.request")).toMatchObject({ status: "deferred" });
  expect(await call("restart.request", { skipDeferral: true })).toMatchObject({
    status: "scheduled",
  });
  it.pend({
    reasons: ["a", "b"],
    since: 1,
    deadline: undefined,
    phase: "deferred",
    waitsFor: "2 under way",
  });
  const pendingRestart = {
    phase: "deferred",
    reason: "a; b",
    waitsFor: "2 under way",
    sinceMs: 1,
    deadlineMs: null,
  };
  expect(await call("restart.preflight")).toMatchObject({ safe: false, pendingRestart });
  expect(await call("restart.request")).toMatchObject({ status: "coalesced" });
});

test("a suspended gateway takes no work until it is resumed, or forgotten", async () => {
  const it = world();
  const { call, suspension } = await it.process();
  it.work(1);
  expect(await call("suspend.prepare", { requestId: "a" })).toMatchObject({ status: "busy" });
  expect(suspension.isOpen).toBe(true);
  const drained = await call("suspend.prepare", { requestId: "a", drain: true });
  expect(drained).toMatchObject({ status: "draining", suspensionId: expect.any(String) });
  expect(suspension.isOpen).toBe(false);
  expect(() => suspension.admit()).toThrow("suspended");
  it.work(0);
  expect(await call("suspend.prepare", { requestId: "a" })).toMatchObject({ status: "ready" });
  it.pass(10 * 60_000);
  expect(suspension.isOpen).toBe(true);
  expect(it.phases).toEqual(["draining", "prepared", "accepting"]);
});

test("a suspension goes on in the process after this one, until it is resumed", async () => {
  const it = world();
  const first = await it.process();
  const prepared = Prepared.parse(await first.call("suspend.prepare", { requestId: "a" }));
  const { suspensionId } = prepared;
  const second = await it.process();
  expect(second.suspension.isOpen).toBe(false);
  expect(await second.call("suspend.status", { suspensionId })).toMatchObject({ status: "ready" });
  expect(await second.call("suspend.resume", { suspensionId })).toMatchObject({ resumed: true });
  expect((await it.process()).suspension.isOpen).toBe(true);
});

test("a suspension that is over by the time of the next process is forgotten", async () => {
  const it = world();
  await (await it.process()).call("suspend.prepare", { requestId: "a" });
  it.pass(10 * 60_000);
  expect((await it.process()).suspension.isOpen).toBe(true);
});

test("a suspension by a clock that was ahead lasts no longer than any other", async () => {
  const it = world();
  it.pass(86_400_000);
  await (await it.process()).call("suspend.prepare", { requestId: "r" });
  it.pass(-86_400_000);
  const { suspension } = await it.process();
  expect(suspension.isOpen).toBe(false);
  it.pass(600_000);
  expect(suspension.isOpen).toBe(true);
});

test("whoever asks for another suspension than the one there is gets no word of it", async () => {
  const it = world();
  const { call } = await it.process();
  await call("suspend.prepare", { requestId: "a" });
  const other = { suspensionId: "another" };
  await expect(call("suspend.status", other)).rejects.toThrow("a different gateway suspension");
  await expect(call("suspend.resume", other)).rejects.toThrow("does not match");
  await expect(call("suspend.handoff", other)).rejects.toThrow("does not match");
});

test("a suspension is handed to the next process for its whole time, by the process that is meant", async () => {
  const it = world();
  const { call } = await it.process();
  const prepared = Prepared.parse(await call("suspend.prepare", { requestId: "a" }));
  const { suspensionId, expiresAtMs } = prepared;
  it.pass(60_000);
  const target = { pid: process.pid, processInstanceId: "this-process" };
  expect(await call("suspend.handoff", { suspensionId, target })).toEqual({
    status: "armed",
    suspensionId,
    expiresAtMs: expiresAtMs + 60_000,
  });
  const another = { ...target, processInstanceId: "another" };
  await expect(call("suspend.handoff", { suspensionId, target: another })).rejects.toThrow(
    "gateway process changed",
  );
  it.work(1);
  await expect(call("suspend.handoff", { suspensionId })).rejects.toThrow("still draining");
});
