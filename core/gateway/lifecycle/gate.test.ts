import { expect, test } from "vitest";
import { Suspension } from "../../methods/system/suspension.ts";
import type { Origin } from "../auth/auth.ts";
import { Gate, suspensionOf } from "./gate.ts";
import { UnderWay } from "./under-way.ts";

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
  const suspension = new Suspension(
    () => ({ runs: 0 }),
    () => 0,
  );
  const underWay = new UnderWay();
  return { suspension, underWay, gate: new Gate(suspension, underWay) };
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
  underWay.begin();
  await underWay.ended(1);
  underWay.end();
  await underWay.ended(60_000);
});

test("a suspended gateway refuses what would be work, and answers who only looks", async () => {
  const { suspension, gate } = world();
  const fetch = gate.fetch(() => new Response("done"));
  suspension.prepare("a", true);
  expect((await fetch(POST, ORIGIN)).status).toBe(503);
  expect((await fetch(new Request("http://core.example/health"), ORIGIN)).status).toBe(200);
  const deliver = gate.deliver(() => Promise.resolve("committed"));
  const delivery = { id: "d", route: "r", receivedAt: 1, headers: [], body: new Uint8Array() };
  await expect(Promise.resolve(Reflect.apply(deliver, undefined, [delivery]))).rejects.toThrow(
    "suspended",
  );
});

test("a run that only waits is no reason to wait for it", () => {
  const state = {
    id: "r",
    kind: "chat",
    sessionKey: "agent:main:main",
    agentId: "main",
    question: "",
    acceptedAt: 0,
    startedAt: undefined,
    endedAt: undefined,
    text: "",
    stop: undefined,
    error: undefined,
    usage: undefined,
    model: undefined,
  } as const;
  const busy = (status: "queued" | "running"): object =>
    suspensionOf(
      () => [{ ...state, status }],
      () => 0,
    ).prepare("a", false);
  expect(busy("queued")).toMatchObject({ status: "ready" });
  expect(busy("running")).toMatchObject({ status: "busy", reason: "active-work" });
});
