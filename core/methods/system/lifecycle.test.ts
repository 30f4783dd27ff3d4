import { expect, test } from "vitest";
import { commandLineContext } from "../command-line.ts";
import { lifecycleMethods } from "./lifecycle.ts";
import { Suspension } from "./suspension.ts";

function world() {
  const restarts: PromiseWithResolvers<void>[] = [];
  let now = 0;
  let runs = 0;
  const suspension = new Suspension(
    () => ({ runs }),
    () => now,
  );
  const methods = new Map(
    lifecycleMethods({
      restart() {
        const begun = Promise.withResolvers<void>();
        restarts.push(begun);
        return begun.promise;
      },
      suspension,
      publicKey: async () => "AAAA",
    }),
  );
  const context = commandLineContext(new AbortController().signal);
  return {
    restarts,
    suspension,
    work: (count: number) => (runs = count),
    pass: (ms: number) => (now += ms),
    call: async (name: string, params: object = {}): Promise<unknown> =>
      methods.get(`gateway.${name}`)?.call(params, context),
  };
}

test("restarts that are asked for at once are one, and after one that failed there may be another", async () => {
  const it = world();
  expect(await it.call("restart.request")).toMatchObject({ status: "scheduled" });
  expect(await it.call("restart.request")).toMatchObject({ status: "coalesced" });
  expect(it.restarts).toHaveLength(1);
  it.restarts[0]?.resolve();
  await it.restarts[0]?.promise;
  await expect.poll(() => it.call("restart.request")).toMatchObject({ status: "scheduled" });
  expect(it.restarts).toHaveLength(2);
});

test("a suspended gateway takes no work until it is resumed, or forgotten", async () => {
  const it = world();
  it.work(1);
  expect(await it.call("suspend.prepare", { requestId: "a" })).toMatchObject({ status: "busy" });
  expect(it.suspension.isOpen).toBe(true);
  const drained = await it.call("suspend.prepare", { requestId: "a", drain: true });
  expect(drained).toMatchObject({ status: "draining", suspensionId: expect.any(String) });
  expect(it.suspension.isOpen).toBe(false);
  expect(() => it.suspension.admit()).toThrow("suspended");
  it.work(0);
  expect(await it.call("suspend.prepare", { requestId: "a" })).toMatchObject({ status: "ready" });
  it.pass(10 * 60_000);
  expect(it.suspension.isOpen).toBe(true);
});
