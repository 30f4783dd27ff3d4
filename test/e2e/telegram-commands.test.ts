import { expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { createHome, startCore } from "../support/core.ts";
import { startEdge } from "../support/edge.ts";
import { reply } from "../support/fake-model.ts";
import { startFakeOpenAi } from "../support/fake-openai.ts";
import { startFakeTelegram } from "../support/fake-telegram.ts";
import { privateText } from "../support/telegram-updates.ts";

test("commands that come through the edge are carried out once, a stop at once, also after a kill", async () => {
  const pairing = randomToken();
  await using edge = await startEdge({ bindings: { PAIRING_SECRET: pairing } });
  await using telegram = await startFakeTelegram({ httpWebhooks: true });
  await using model = await startFakeOpenAi();
  model.always(reply((said) => `re: ${said}`));
  const { token: botToken, apiRoot } = telegram;
  await using home = await createHome(
    edge,
    pairing,
    { channels: { telegram: { botToken, apiRoot, dmPolicy: "allowlist", allowFrom: ["42"] } } },
    { OPENAI_API_KEY: "sk-test", OPENAI_BASE_URL: model.baseUrl },
  );
  const texts = (): string[] => telegram.sent.map(({ text }) => text);
  const told = async (count: number): Promise<string> => {
    await telegram.until(() => telegram.sent.length >= count);
    return texts()[count - 1] ?? "";
  };

  let core = await startCore(home, edge);
  await telegram.until(() => telegram.queue.webhook !== undefined && telegram.menu !== undefined);
  expect(telegram.menu?.map(({ command }) => command)).toContain("status");
  await telegram.post(privateText(1, "/status"));
  expect(await told(1)).toContain("edge connected");

  model.next({ kind: "hang", words: 0 });
  const asked = model.requestCount;
  await telegram.post(privateText(2, "think for ever"));
  await model.waitForRequests(asked + 1);
  await telegram.post(privateText(3, "and then this"));
  await telegram.post(privateText(4, "stop"));
  expect(await told(2)).toBe("Stopped.");

  // The core is killed while the session that has begun is asked its first question.
  model.next({ kind: "hang", words: 0 });
  await telegram.post(privateText(5, "/new first"));
  await model.waitForRequests(asked + 2);
  await telegram.post(privateText(6, "/name Mine"));
  await core.kill();
  core = await startCore(home, edge);
  expect(await told(3)).toBe("re: first");
  expect(await told(4)).toBe("Title: Mine");
  await telegram.post(privateText(7, "/context"));
  expect(await told(5)).toContain("2 messages");
  expect(texts()).toHaveLength(5);
  expect(await core.stop()).toBe(0);
});
