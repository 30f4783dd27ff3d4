/** What the command line tells of answers and of refusals, with a real edge and core. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Routes } from "../../core/webhooks/methods/answers.ts";
import { reply } from "../support/fake-model.ts";
import { type Run, runProgram } from "../support/run-program.ts";
import { SECRETS, type WebhookWorld, webhookWorld } from "../support/webhook-world.ts";

/** Each look starts a process, and other tests run beside this one. */
const PATIENCE = { timeout: 20_000 };

let world: WebhookWorld;

beforeAll(async () => {
  world = await webhookWorld(() => ({
    github: { verify: "github", secret: SECRETS.github, agent: { template: "Pushed to {{ref}}" } },
    slack: { verify: "slack", secret: SECRETS.slack, agent: { template: "{{event.text}}" } },
  }));
  world.model.always(reply((said) => `re: ${said}`));
});

afterAll(() => world[Symbol.asyncDispose]());

function webhooks(...args: string[]): Promise<Run> {
  const { dir: cwd, env, token } = world.home;
  const flags = ["--port", new URL(world.core.url).port, "--token", token];
  return runProgram(["webhooks", ...args, ...flags], { cwd, env });
}

test("a sample that is waited for ends with what the agent answered", async () => {
  const { code, out } = await webhooks("test", "slack", "--event", "app_mention", "--wait");
  expect({ code, last: out.trim().split("\n").at(-1) }).toEqual({
    code: 0,
    last: expect.stringMatching(/^ {4}answered: re: \S/),
  });
});

test("why webhooks were turned away stands with their route", async () => {
  const forged = { "X-Hub-Signature-256": `sha256=${"0".repeat(64)}`, "X-GitHub-Delivery": "f" };
  expect((await world.send("github", "{}", forged)).status).toBe(401);
  await expect
    .poll(async () => (await webhooks("routes")).out, PATIENCE)
    .toMatch(/^github .*\n {2}sets off an agent turn.*\n {2}refused: 1 mismatch$/m);
  const { routes, silent } = Routes.parse(JSON.parse((await webhooks("routes", "--json")).out));
  expect(routes.find(({ name }) => name === "github")).toMatchObject({
    refused: 1,
    reasons: { mismatch: 1 },
  });
  expect(silent).toEqual([]);
});
