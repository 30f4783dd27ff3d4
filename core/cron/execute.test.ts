import { expect, test } from "vitest";
import { cronWorld } from "../../test/support/cron-world.ts";
import type { CronPayload } from "../store/cron-job.ts";

const MINUTE = 60_000;

async function orderFor(payload: CronPayload): Promise<object | undefined> {
  await using world = await cronWorld();
  await world.scheduler.add("job", {
    name: "test",
    enabled: true,
    schedule: { kind: "every", everyMs: MINUTE },
    sessionTarget: payload.kind === "systemEvent" ? "main" : "isolated",
    wakeMode: "now",
    payload,
    delivery: { mode: "none" },
  });
  await world.pass(MINUTE);
  return [...world.begun.values()][0];
}

test("a job says how its turn is answered, and runs with its owner's rights", async () => {
  const order = await orderFor({
    kind: "agentTurn",
    message: "look",
    model: "a/b",
    fallbacks: ["c/d"],
    thinking: "high",
    timeoutSeconds: 5,
    lightContext: true,
    toolsAllow: ["message"],
  });
  expect(order).toMatchObject({
    model: "a/b",
    fallbacks: ["c/d"],
    thinking: "high",
    timeoutMs: 5_000,
    lightContext: true,
    toolsAllow: ["message"],
    asOwner: true,
  });
});

test("a reminder may use what it is let use", async () => {
  const order = await orderFor({ kind: "systemEvent", text: "tea", toolsAllow: [] });
  expect(order).toMatchObject({ toolsAllow: [], asOwner: true });
  expect(await orderFor({ kind: "systemEvent", text: "tea" })).toMatchObject({
    toolsAllow: undefined,
  });
});
