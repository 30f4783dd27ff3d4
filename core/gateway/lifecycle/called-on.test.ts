import { expect, test } from "vitest";
import { relayState } from "../../../test/support/relay-state.ts";
import type { TunnelHandlers } from "../../tunnel/handlers.ts";
import { callOnUs, whenCalledOn } from "./called-on.ts";
import type { Leader } from "./leader.ts";

const BUNDLE = { verifiers: [], routes: [], rate: { perSecond: 1, burst: 1 } };
const CALLER = {
  principal: { subject: "operator", scopes: ["operator" as const] },
  requestId: "r",
  ip: "192.0.2.1",
  via: "edge" as const,
};
const RELAY = relayState({ leads: false });

/** A leader that answers every request, and counts how often it was made. */
function world() {
  const state = { made: 0 };
  const remote: TunnelHandlers = {
    fetch: () => Promise.resolve(new Response("from the leader")),
    upgrade: () => Promise.resolve({ accepted: false, response: new Response() }),
    reattach: () => Promise.resolve({ accepted: false, response: new Response() }),
    deliver: () => Promise.resolve("committed"),
    bundle: () => BUNDLE,
  };
  const leader: Leader = {
    local: { fetch: () => new Response(), upgrade: () => () => undefined },
    remote,
    work: { jobs: [], changed: () => Promise.resolve() },
    isWork: () => false,
    hold: () => undefined,
    start: () => undefined,
    drain: () => Promise.resolve(),
    leave: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const call = callOnUs(async () => {
    state.made += 1;
    return leader;
  });
  return { state, call, handlers: whenCalledOn(call, () => BUNDLE) };
}

test("the first piece of work makes the leader, which answers it", async () => {
  const { state, call, handlers } = world();
  const waiting = call.wait({ relays: [RELAY] }, new AbortController().signal);
  expect(handlers.bundle()).toBe(BUNDLE);
  expect(state.made).toBe(0);
  const response = await handlers.fetch(new Request("http://edge.example/"), CALLER);
  expect(await response.text()).toBe("from the leader");
  expect(await waiting).toBe(true);
});

test("the word of a relay is enough", async () => {
  const { call } = world();
  const relays = [RELAY, { ...RELAY, leads: true }];
  expect(await call.wait({ relays }, new AbortController().signal)).toBe(true);
});

test("whoever is told to stop was not called on", async () => {
  const { state, call } = world();
  const stop = new AbortController();
  const waiting = call.wait({ relays: [RELAY] }, stop.signal);
  stop.abort();
  expect([await waiting, state.made]).toEqual([false, 0]);
});
