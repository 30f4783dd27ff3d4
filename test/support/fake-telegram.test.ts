import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import * as z from "zod";
import type { FakeTelegram } from "./fake-telegram.ts";
import { startFakeTelegram } from "./fake-telegram.ts";
import { privateText } from "./telegram-updates.ts";

const Answer = z.object({
  ok: z.boolean(),
  description: z.string().optional(),
  result: z.unknown().optional(),
});
const Update = z.object({ update_id: z.int() });

async function call(fake: FakeTelegram, method: string, body: unknown, token = fake.token) {
  const response = await fetch(`${fake.apiRoot}/bot${token}/${method}`, {
    method: "POST",
    body: JSON.stringify(body),
  });
  return { status: response.status, body: Answer.parse(await response.json()) };
}

test("updates stay until an offset passes them", async () => {
  await using fake = await startFakeTelegram();
  fake.push(privateText(1, "a"), privateText(2, "b"));
  const ids = async (offset: number) =>
    z
      .array(Update)
      .parse((await call(fake, "getUpdates", { offset })).body.result)
      .map((update) => update.update_id);
  expect(await ids(0)).toEqual([1, 2]);
  expect(await ids(2)).toEqual([2]);
  expect(await ids(0)).toEqual([2]);
  expect(await ids(3)).toEqual([]);
});

test("the webhook is called per chat in order, with the secret, until it answers 2xx", async () => {
  await using fake = await startFakeTelegram();
  const seen: string[] = [];
  let refusals = 2;
  const server = createServer();
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { update_id: id } = Update.parse(JSON.parse(await text(request)));
    const refuse = id === 1 && refusals > 0;
    if (refuse) refusals -= 1;
    else seen.push(`${String(request.headers["x-telegram-bot-api-secret-token"])} ${id}`);
    response.writeHead(refuse ? 503 : 200).end();
  };
  server.on("request", (request, response) => void take(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  await call(fake, "setWebhook", { url: `http://127.0.0.1:${port}/`, secret_token: "s" });
  const first = fake.post(privateText(1, "a", { from: 1 }));
  await fake.post(privateText(2, "b", { from: 2 }));
  const last = fake.post(privateText(3, "c", { from: 1 }));
  await Promise.all([first, last]);
  expect(seen).toEqual(["s 2", "s 1", "s 3"]);
  expect(fake.queue.answers.filter(({ status }) => status === 503)).toHaveLength(2);
  server.close();
});

test.each([
  ["a tag it does not know", { text: "<script>", parse_mode: "HTML" }, /can't parse entities/],
  ["tags that cross", { text: "<b><i>x</b></i>", parse_mode: "HTML" }, /can't parse entities/],
  ["a tag left open", { text: "<b>x", parse_mode: "HTML" }, /can't parse entities/],
  ["a text too long", { text: "x".repeat(4097) }, /too long/],
  ["nothing to see", { text: "<b> </b>", parse_mode: "HTML" }, /empty/],
  ["half an emoji", { text: "\uD83D" }, /UTF-8/],
  ["a chat it does not know", { text: "x", chat_id: 7 }, /chat not found/],
])("sendMessage refuses %s", async (_name, fields, why) => {
  await using fake = await startFakeTelegram();
  fake.chats.add("42");
  const { status, body } = await call(fake, "sendMessage", { chat_id: 42, ...fields });
  expect(status).toBe(400);
  expect(body).toMatchObject({
    ok: false,
    description: expect.stringMatching(why),
  });
});

test("what is seen counts, not the markup", async () => {
  await using fake = await startFakeTelegram();
  fake.chats.add("42");
  const html = `<b>${"&amp;".repeat(4096)}</b>`;
  await call(fake, "sendMessage", { chat_id: 42, text: html, parse_mode: "HTML" });
  expect(fake.sent[0]?.text).toBe("&".repeat(4096));
});

test("a wrong token is 401", async () => {
  await using fake = await startFakeTelegram();
  expect(await call(fake, "getMe", {}, "1:wrong")).toMatchObject({ status: 401 });
});
