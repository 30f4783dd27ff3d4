import { expect, test } from "vitest";
import type { RunState } from "../../conversation/run.ts";
import { commandLineContext } from "../../methods/command-line.ts";
import { PutOff } from "../../methods/method.ts";
import { Suspension } from "../../methods/system/suspension.ts";
import type { Origin } from "../auth/auth.ts";
import { Gate } from "./gate.ts";
import { UnderWay } from "./under-way.ts";
import { Work } from "./work.ts";

const ORIGIN: Origin = {
  via: "edge",
  caller: {
    principal: { subject: "operator", scopes: ["operator"] },
    requestId: "r",
    ip: "192.0.2.1",
    via: "edge",
  },
};
const POST = new Request("http://core.example/v1/responses", { method: "POST" });

function world() {
  const suspension = new Suspension(() => 0);
  const underWay = new UnderWay(() => 0);
  return {
    suspension,
    underWay,
    gate: new Gate({ suspension, underWay: () => underWay, hooksPath: "/hooks" }),
  };
}

test("an end waits for requests that are under way, and for those that fail as well", async () => {
  const { underWay, gate } = world();
  const one = Promise.withResolvers<Response>();
  const other = Promise.withResolvers<Response>();
  const answers = [one, other].map(({ promise }) => gate.fetch(() => promise)(POST, ORIGIN));
  let hasEnded = false;
  const ended = underWay.ended(60_000).then(() => (hasEnded = true));
  one.resolve(new Response("done"));
  await answers[0];
  expect(hasEnded).toBe(false);
  other.reject(new Error("a bug"));
  await expect(answers[1]).rejects.toThrow("a bug");
  await ended;
  await underWay.ended(60_000);
});

test("an end waits for what is under way no longer than it may", async () => {
  const { underWay } = world();
  const job = underWay.begin("request");
  await underWay.ended(1);
  job[Symbol.dispose]();
  await underWay.ended(60_000);
});

test("a suspended gateway refuses what would be work, and answers who only looks", async () => {
  const { suspension, gate } = world();
  const fetch = gate.fetch(() => new Response("done"));
  await suspension.prepare("a", true);
  expect((await fetch(POST, ORIGIN)).status).toBe(503);
  expect((await fetch(new Request("http://core.example/health"), ORIGIN)).status).toBe(200);
  const deliver = gate.deliver(() => Promise.resolve("committed"));
  const delivery = { id: "d", route: "r", receivedAt: 1, headers: [], body: new Uint8Array() };
  await expect(Promise.resolve(Reflect.apply(deliver, undefined, [delivery]))).rejects.toThrow(
    "suspended",
  );
});

test("a run that only waits is no reason to wait for it, but for one that is kept nowhere", () => {
  const state = {
    id: "r",
    sessionKey: "agent:main:main",
    agentId: "main",
    question: "",
    acceptedAt: 3,
    startedAt: undefined,
    endedAt: undefined,
    text: "",
    stop: undefined,
    error: undefined,
    usage: undefined,
    model: undefined,
  } as const;
  const jobs = (kind: "chat" | "http", status: "queued" | "running") => {
    const active = (): RunState[] => [{ ...state, kind, status }];
    return new Work({ active, watch: () => ({ [Symbol.dispose]: () => undefined }) }, () => 0).jobs;
  };
  expect(jobs("chat", "queued")).toEqual([]);
  expect(jobs("chat", "running")).toEqual([{ kind: "chat", since: 3 }]);
  expect(jobs("http", "queued")).toEqual([{ kind: "http", since: 3 }]);
});

test.each([
  ["POST", "/v1/responses", true],
  ["DELETE", "/v1/responses/1", true],
  ["GET", "/v1/models", false],
  ["POST", "/hooks/agent", false],
])("%s %s is work: %s", (method, path, is) => {
  expect(world().gate.isWork(new Request(`http://core.example${path}`, { method }))).toBe(is);
});

test("calls that make work are put off while it is held, and all others answered", async () => {
  const { gate } = world();
  const answer = { scope: "any", call: () => "done" } as const;
  const methods = gate.methods(
    new Map([
      ["send", answer],
      ["status", answer],
    ]),
  );
  const call = async (name: string) =>
    methods.get(name)?.call({}, commandLineContext(new AbortController().signal));
  gate.hold(true);
  await expect(call("send")).rejects.toBeInstanceOf(PutOff);
  expect(await call("status")).toBe("done");
  gate.hold(false);
  expect(await call("send")).toBe("done");
});
