import { expect, test } from "vitest";
import { says } from "../../../test/support/scripted-model.ts";
import { webhookMethodWorld } from "../../../test/support/webhook-method-world.ts";
import type { Message } from "../../store/message.ts";
import type { StoredMessage } from "../../store/entry.ts";
import type { WebhookItemRow } from "../../store/webhook.ts";
import { saidTo } from "./said.ts";

test("a webhook shows what the agent said to it, though nobody was to be told", async () => {
  const { bot, take, show } = await webhookMethodWorld();
  bot.model.next(says("It is issue 1."), says("x".repeat(2_001)));
  const [first, second] = [await take("1"), await take("2")];
  const shown = await show(first, 20_000);
  expect(shown.said).toEqual([
    { id: first, sessionKey: expect.any(String), text: "It is issue 1.", truncated: false },
  ]);
  expect((await show(second, 20_000)).said).toMatchObject([
    { text: "x".repeat(2_000), truncated: true },
  ]);
});

test("what nothing was said to has no answer", async () => {
  const { take, show } = await webhookMethodWorld();
  expect((await show(await take("1", { action: "closed" }), 20_000)).said).toEqual([]);
});

const WORK: WebhookItemRow = {
  id: "stripe:1",
  source: "hook",
  lane: "stripe",
  state: "done",
  attempt: 1,
  reason: undefined,
  startedAt: 10,
  endedAt: 20,
  sessionKey: "agent:main:main",
};
const asks = (at: number): StoredMessage => kept(at, { role: "user", text: "?" });
const answers = (at: number, text: string): StoredMessage =>
  kept(at, { role: "assistant", text, toolCalls: [] });
const result = (at: number): StoredMessage =>
  kept(at, { role: "tool", callId: "c", text: "a file" });

function kept(at: number, message: Message): StoredMessage {
  return { seq: 1, at, message };
}

test.each<[string, StoredMessage[], string[]]>([
  ["it alone", [asks(19), answers(19, "a")], ["a"]],
  ["it between others", [asks(5), answers(5, "x"), asks(19), answers(19, "a"), asks(30)], ["a"]],
  ["it after one of the same moment", [answers(19, "x"), asks(19), answers(19, "a")], ["a"]],
  [
    "it with a tool",
    [asks(19), answers(19, "I look"), result(19), answers(19, "a")],
    ["I look\na"],
  ],
  ["only what came before", [asks(5), answers(5, "x")], []],
  ["only what came later", [asks(30), answers(30, "x")], []],
  ["nothing any more", [], []],
  ["no word", [asks(19), answers(19, "")], []],
])("of a session that holds %s, the answer is found", async (_name, history, texts) => {
  const said = await saidTo({ work: [WORK] }, { history: async () => history });
  expect(said.map(({ text }) => text)).toEqual(texts);
});
