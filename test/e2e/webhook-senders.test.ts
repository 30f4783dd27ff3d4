/** Answers that come later than their sender waits: by the way that it has left for them. */
import { generateKeyPairSync, sign } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { callGateway } from "../../core/cli/client.ts";
import { Secret } from "../../shared/secret.ts";
import {
  type FakeDiscordReplies,
  startFakeDiscordReplies,
} from "../support/fake-discord-replies.ts";
import { reply } from "../support/fake-model.ts";
import { type FakeSlackReplies, startFakeSlackReplies } from "../support/fake-slack-replies.ts";
import { SECRETS, type WebhookWorld, webhookWorld } from "../support/webhook-world.ts";

const APPLICATION = "845027738276462632";
const { publicKey, privateKey } = generateKeyPairSync("ed25519");

let world: WebhookWorld;
let slack: FakeSlackReplies;
let discord: FakeDiscordReplies;

beforeAll(async () => {
  slack = await startFakeSlackReplies();
  discord = await startFakeDiscordReplies(APPLICATION);
  const key = publicKey.export({ type: "spki", format: "der" }).subarray(-32).toString("hex");
  world = await webhookWorld(
    () => ({
      slack: {
        verify: "slack",
        secret: SECRETS.slack,
        mode: "sync",
        sync: { deadlineMs: 700 },
        agent: true,
      },
      discord: { verify: { scheme: "discord", publicKeys: key }, agent: true },
    }),
    {
      senders: { slack: { origins: [slack.origin] }, discord: { apiRoot: discord.apiRoot } },
    },
  );
});

afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await slack[Symbol.asyncDispose]();
  await discord[Symbol.asyncDispose]();
});

/** As Discord does: it knows of "thinking…" once it has our answer. */
async function interaction(id: string, token: string): Promise<unknown> {
  const at = String(Math.floor(Date.now() / 1_000));
  const body = JSON.stringify({ id, type: 2, application_id: APPLICATION, token, channel_id: "1" });
  const signature = sign(null, Buffer.from(at + body), privateKey).toString("hex");
  const response = await world.send("discord", body, {
    "X-Signature-Timestamp": at,
    "X-Signature-Ed25519": signature,
  });
  const answer: unknown = await response.json();
  discord.respond(token);
  return answer;
}

test("an interaction at Discord thinks, and then has its answer", async () => {
  world.model.next(reply("Forty-two."));
  expect(await interaction("1001", "secret-token-1")).toEqual({ type: 5 });
  await world.until(() => discord.shown.length === 1);
  expect(discord.shown).toEqual([{ by: "PATCH", content: "Forty-two." }]);
});

test("a Slack command that takes too long is answered at its response_url", async () => {
  world.model.next(reply("a late answer", { wordDelayMs: 500 }));
  const response_url = slack.responseUrl();
  const response = await world.slack("slow", "t-1", { response_url });
  expect([response.status, await response.text()]).toEqual([200, ""]);
  await world.until(() => slack.shown.length === 1);
  expect(slack.shown).toEqual(["a late answer"]);
});

test("a sender is answered by the core that comes after a kill, once", async () => {
  world.model.next({ kind: "hang", words: 0 });
  const asked = world.model.requestCount;
  const response_url = slack.responseUrl();
  await world.slack("first", "t-2", { response_url });
  await world.model.waitForRequests(asked + 1);
  await world.core.kill();
  world.model.always(reply("after all"));
  await world.restart();
  await world.until(() => slack.shown.length === 2);
  expect(slack.shown[1]).toBe("after all");

  const target = { url: world.core.url, token: new Secret(world.home.token), timeoutMs: 5_000 };
  const shown = JSON.stringify(await callGateway(target, "webhooks.show", { id: "slack:t-2" }));
  expect(shown).toContain("reply to its sender sent");
  const { pathname } = new URL(response_url);
  expect(shown).not.toContain(encodeURIComponent(pathname));
  expect(shown).not.toContain(pathname);
  await world.core.stop();
  expect(world.core.log.join("\n")).not.toMatch(/secret-(?:of|token)/);
  expect(slack.shown).toHaveLength(2);
});
