import { expect, test } from "vitest";
import { commandLineContext } from "../../methods/command-line.ts";
import { PutOff } from "../../methods/method.ts";
import { Calls } from "./calls.ts";
import type { ResponseFrame } from "./frames.ts";

/** A gateway that is about to begin anew, and somebody who has it do something. */
function world() {
  const hold = Promise.withResolvers<void>();
  const sent: ResponseFrame[] = [];
  let holds = true;
  let isOpen = true;
  let done = 0;
  const call = (): object => {
    if (holds) throw new PutOff(() => Promise.reject(new Error("nobody is left")));
    return { done: (done += 1) };
  };
  const calls = new Calls(
    {
      parts: () => ({ methods: new Map([["work", { scope: "any", call }]]), now: () => 0 }),
      held: () => hold.promise,
    },
    () => undefined,
  );
  const answered = calls.answer(
    { type: "req", id: "1", method: "work" },
    {
      contextOf: () => commandLineContext(new AbortController().signal),
      isOpen: () => isOpen,
      send: (frame) => sent.push(frame),
    },
  );
  return {
    calls,
    sent,
    done: () => done,
    leave: () => (isOpen = false),
    async release() {
      holds = false;
      hold.resolve();
      await answered;
    },
  };
}

test("a call that waited for a restart is made once the gateway is back", async () => {
  const it = world();
  await it.release();
  expect(it.sent).toMatchObject([{ id: "1", ok: true, payload: { done: 1 } }]);
  expect(it.calls.isIdle).toBe(true);
});

test("a call of somebody who has gone meanwhile is not made any more", async () => {
  const it = world();
  await Promise.resolve();
  it.leave();
  await it.release();
  expect([it.done(), it.calls.isIdle]).toEqual([0, true]);
});
