import { expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { createHome, startCore } from "../support/core.ts";
import { startEdge } from "../support/edge.ts";
import { reply } from "../support/fake-model.ts";
import { startFakeOpenAi } from "../support/fake-openai.ts";
import { startFakeTelegram } from "../support/fake-telegram.ts";
import { privateText } from "../support/telegram-updates.ts";

test("updates are answered in order and once, through a core that is killed and one that is away", async () => {
  const pairing = randomToken();
  await using edge = await startEdge({ bindings: { PAIRING_SECRET: pairing } });
  await using telegram = await startFakeTelegram({ httpWebhooks: true });
  await using model = await startFakeOpenAi();
  model.always(reply((said) => `re: ${said}`));
  await using home = await createHome(
    edge,
    pairing,
    {
      channels: {
        telegram: {
          botToken: telegram.token,
          apiRoot: telegram.apiRoot,
          dmPolicy: "open",
          allowFrom: ["*"],
        },
      },
    },
    { OPENAI_API_KEY: "sk-test", OPENAI_BASE_URL: model.baseUrl },
  );
  const texts = (): string[] => telegram.sent.map(({ text }) => text);

  let core = await startCore(home, edge);
  await telegram.until(() => telegram.queue.webhook !== undefined);
  await telegram.post(privateText(1, "one"));
  await telegram.until(() => telegram.sent.length === 1);

  // The second is committed and with the model when the core is killed.
  model.next({ kind: "hang", words: 0 });
  const asked = model.requestCount;
  await telegram.post(privateText(2, "two"));
  await model.waitForRequests(asked + 1);
  await core.kill();

  // These find no core. Telegram gets its 2xx all the same, and forgets them.
  await telegram.post(privateText(3, "three"));
  await telegram.post(privateText(4, "four"));
  // A sender that never saw our 2xx sends again what we have.
  telegram.push(privateText(4, "four"));
  expect(texts()).toEqual(["re: one"]);

  core = await startCore(home, edge);
  await telegram.until(() => telegram.sent.length >= 4);
  await telegram.post(privateText(5, "five"));
  await telegram.until(() => telegram.sent.length >= 5);
  expect(texts()).toEqual(["re: one", "re: two", "re: three", "re: four", "re: five"]);
  expect(await core.stop()).toBe(0);
});
