import { Anthropic } from "@anthropic-ai/sdk";
import { OpenAI } from "openai";
import { expect, test } from "vitest";
import { startFakeAnthropic } from "./fake-anthropic.ts";
import { callTools, fail } from "./fake-model.ts";
import { startFakeOpenAi } from "./fake-openai.ts";

const calls = [{ id: "call_1", name: "time", input: '{"zone":"UTC"}' }];
const user = { role: "user", content: "hello there" } as const;

async function anthropicWorld() {
  const fake = await startFakeAnthropic({ apiKey: "k1" });
  const client = new Anthropic({ apiKey: "k1", baseURL: fake.baseUrl, maxRetries: 0 });
  return { fake, client, [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose]() };
}

async function openAiWorld() {
  const fake = await startFakeOpenAi({ apiKey: "k1" });
  const client = new OpenAI({ apiKey: "k1", baseURL: fake.baseUrl, maxRetries: 0 });
  return { fake, client, [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose]() };
}

test("Anthropic's own helper builds the same message from the stream as comes in one piece", async () => {
  await using made = await anthropicWorld();
  made.fake.always(callTools(calls, "hello there"));
  const ask = { model: "claude", max_tokens: 9, messages: [user] };
  const whole = await made.client.messages.create(ask);
  const streamed = await made.client.messages.stream(ask).finalMessage();
  expect(whole).toMatchObject({
    stop_reason: "tool_use",
    content: [
      { type: "text", text: "hello there" },
      { type: "tool_use", id: "call_1", name: "time", input: { zone: "UTC" } },
    ],
    usage: { input_tokens: 2, output_tokens: 2 },
  });
  expect({ ...streamed, parsed_output: undefined }).toMatchObject({ ...whole });
});

test("OpenAI's own helper builds the same completion from the stream as comes in one piece", async () => {
  await using made = await openAiWorld();
  made.fake.always(callTools(calls, "hello there"));
  const ask = { model: "gpt", messages: [user] };
  const whole = await made.client.chat.completions.create(ask);
  const streamed = await made.client.chat.completions
    .stream({ ...ask, stream_options: { include_usage: true } })
    .finalChatCompletion();
  expect(whole.choices[0]).toMatchObject({
    finish_reason: "tool_calls",
    message: { content: "hello there", tool_calls: [{ id: "call_1", type: "function" }] },
  });
  expect(streamed.choices[0]?.message).toMatchObject({ ...whole.choices[0]?.message });
  expect(streamed.usage).toEqual(whole.usage);
});

test("both echo what the user said unless they are told otherwise", async () => {
  await using claude = await anthropicWorld();
  await using gpt = await openAiWorld();
  const said = await claude.client.messages.create({
    model: "claude",
    max_tokens: 9,
    messages: [user],
  });
  expect(said.content).toMatchObject([{ text: "hello there" }]);
  gpt.fake.replyWith((text) => text.toUpperCase());
  const completion = await gpt.client.chat.completions.create({ model: "gpt", messages: [user] });
  expect(completion.choices[0]?.message.content).toBe("HELLO THERE");
  expect(gpt.fake.requests).toMatchObject([
    { path: "/v1/chat/completions", body: { model: "gpt" } },
  ]);
});

test("a script is followed once, and failures look like the vendor's", async () => {
  await using claude = await anthropicWorld();
  const ask = { model: "claude", max_tokens: 9, messages: [user] };
  claude.fake.next(fail(529));
  await expect(claude.client.messages.create(ask)).rejects.toMatchObject({
    status: 529,
    type: "overloaded_error",
  });
  expect(await claude.client.messages.create(ask)).toMatchObject({ stop_reason: "end_turn" });

  await using gpt = await openAiWorld();
  gpt.fake.next(fail(429));
  const asked = gpt.client.chat.completions.create({ model: "gpt", messages: [user] });
  await expect(asked).rejects.toMatchObject({ status: 429, code: "rate_limit_exceeded" });
});

const use = { type: "tool_use", id: "a", name: "t", input: {} } as const;
const result = { type: "tool_result", tool_use_id: "b" } as const;

test.each<[string, Anthropic.MessageParam[]]>([
  ["an assistant who begins", [{ role: "assistant", content: "hi" }]],
  ["an empty text", [{ role: "user", content: [{ type: "text", text: " " }] }]],
  ["a use without its result", [user, { role: "assistant", content: [use] }]],
  [
    "a result without its use",
    [user, { role: "assistant", content: "x" }, { role: "user", content: [result] }],
  ],
  ["a result at the very start", [{ role: "user", content: [result] }]],
])("Anthropic refuses %s", async (_name, messages) => {
  await using made = await anthropicWorld();
  const asked = made.client.messages.create({ model: "claude", max_tokens: 9, messages });
  await expect(asked).rejects.toMatchObject({ status: 400, type: "invalid_request_error" });
});

const toolCall = { id: "a", type: "function", function: { name: "t", arguments: "{}" } } as const;

test.each<[string, OpenAI.ChatCompletionMessageParam[]]>([
  ["no messages", []],
  ["a call without its result", [user, { role: "assistant", tool_calls: [toolCall] }, user]],
  ["a result without its call", [user, { role: "tool", tool_call_id: "a", content: "x" }]],
])("OpenAI refuses %s", async (_name, messages) => {
  await using made = await openAiWorld();
  const asked = made.client.chat.completions.create({ model: "gpt", messages });
  await expect(asked).rejects.toMatchObject({ status: 400, type: "invalid_request_error" });
});

test("both let in nobody with another key", async () => {
  await using claude = await anthropicWorld();
  await using gpt = await openAiWorld();
  const strangers = [
    new Anthropic({ apiKey: "k2", baseURL: claude.fake.baseUrl, maxRetries: 0 }).messages.create({
      model: "claude",
      max_tokens: 9,
      messages: [user],
    }),
    new OpenAI({ apiKey: "k2", baseURL: gpt.fake.baseUrl, maxRetries: 0 }).chat.completions.create({
      model: "gpt",
      messages: [user],
    }),
  ];
  for (const stranger of await Promise.allSettled(strangers)) {
    expect(stranger).toMatchObject({ status: "rejected", reason: { status: 401 } });
  }
});
