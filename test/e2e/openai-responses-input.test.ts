import { BadRequestError } from "openai";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { callTools, reply } from "../support/fake-model.ts";
import { DOORS, type OpenAiWorld, startOpenAiWorld } from "../support/openai-world.ts";

const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const WEATHER = {
  type: "function",
  name: "weather",
  description: "The weather of a place",
  parameters: { type: "object", properties: { place: { type: "string" } } },
  strict: false,
} as const;

let world: OpenAiWorld;

beforeAll(async () => {
  world = await startOpenAiWorld();
});
beforeEach(() => world.model.always(reply((said) => `You said ${said}`)));
afterAll(() => world[Symbol.asyncDispose]());

/** What the model server was last sent. */
function lastSent(): { readonly messages: readonly unknown[] } & Record<string, unknown> {
  const body = world.model.requests.at(-1)?.body;
  if (typeof body !== "object" || body === null || !("messages" in body)) throw new Error("none");
  if (!Array.isArray(body.messages)) throw new Error("no messages");
  return { ...body, messages: body.messages };
}

test.each(DOORS)("a client runs its own tool and brings the result through %s", async (door) => {
  const openai = world.client(door);
  world.model.next(
    callTools([{ id: "call_1", name: "weather", input: '{"place":"Oslo"}' }], "Let me look."),
  );
  const asked = await openai.responses.create({
    model: "openclaw",
    input: "How is Oslo?",
    tools: [WEATHER],
    tool_choice: "required",
    parallel_tool_calls: false,
  });
  expect(lastSent()).toMatchObject({ tool_choice: "required", parallel_tool_calls: false });
  expect(asked.status).toBe("completed");
  expect(asked.output).toMatchObject([
    { type: "message", content: [{ text: "Let me look." }] },
    { type: "function_call", call_id: "call_1", name: "weather", arguments: '{"place":"Oslo"}' },
  ]);
  const answer = await openai.responses.create({
    model: "openclaw",
    previous_response_id: asked.id,
    input: [{ type: "function_call_output", call_id: "call_1", output: "sunny" }],
    tools: [WEATHER],
  });
  expect(answer.output_text).toBe("You said How is Oslo?");
  expect(lastSent().messages.slice(-3)).toEqual([
    { role: "user", content: "How is Oslo?" },
    {
      role: "assistant",
      content: "Let me look.",
      tool_calls: [
        {
          id: "call_1",
          type: "function",
          function: { name: "weather", arguments: '{"place":"Oslo"}' },
        },
      ],
    },
    { role: "tool", tool_call_id: "call_1", content: "sunny" },
  ]);
});

test("a streamed call of a client's tool has its arguments as events", async () => {
  world.model.next(callTools([{ id: "call_9", name: "weather", input: "{}" }]));
  const stream = await world.client("the edge").responses.create({
    model: "openclaw",
    input: "How is Oslo?",
    tools: [WEATHER],
    stream: true,
  });
  const events = await Array.fromAsync(stream);
  expect(events.map(({ type }) => type)).toEqual([
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_item.done",
    "response.completed",
  ]);
});

test("an item stands for the one that an earlier response had", async () => {
  const openai = world.client("the edge");
  const first = await openai.responses.create({ model: "openclaw", input: "Hello" });
  const [item] = first.output;
  await openai.responses.create({
    model: "openclaw",
    input: [
      { role: "user", content: "Hello" },
      { type: "item_reference", id: item?.id ?? "" },
      { role: "user", content: "Again" },
    ],
  });
  expect(lastSent().messages.slice(-3)).toEqual([
    { role: "user", content: "Hello" },
    { role: "assistant", content: "You said Hello" },
    { role: "user", content: "Again" },
  ]);
});

test("an image and a text file reach the model, and an image is still seen a turn later", async () => {
  const openai = world.client("the edge");
  const first = await openai.responses.create({
    model: "openclaw",
    input: [
      {
        role: "user",
        content: [
          { type: "input_text", text: "Look" },
          { type: "input_image", image_url: PIXEL, detail: "auto" },
          {
            type: "input_file",
            filename: "notes.md",
            file_data: `data:text/markdown;base64,${Buffer.from("# Ünïcode").toString("base64")}`,
          },
        ],
      },
    ],
  });
  const seen = {
    role: "user",
    content: [
      { type: "image_url", image_url: { url: PIXEL } },
      { type: "text", text: expect.stringMatching(/^Look\nThe file "notes.md"[^]*# Ünïcode/) },
    ],
  };
  expect(lastSent().messages.at(-1)).toEqual(seen);
  await openai.responses.create({
    model: "openclaw",
    previous_response_id: first.id,
    input: "And now?",
  });
  expect(lastSent().messages).toContainEqual(seen);
});

// Each row is a body that cannot be answered, and the field that says so.
test.each<[string, object, string]>([
  ["no input", {}, "input"],
  ["an empty input", { input: "" }, "input"],
  ["nothing to answer", { input: [{ role: "assistant", content: "x" }] }, "input"],
  ["an unknown item", { input: [{ type: "computer_call" }] }, "input[0]"],
  [
    "an image by URL",
    {
      input: [
        { role: "user", content: [{ type: "input_image", image_url: "http://169.254.169.254/" }] },
      ],
    },
    "input[0].content[0]",
  ],
  [
    "a PDF",
    {
      input: [
        {
          role: "user",
          content: [
            {
              type: "input_file",
              filename: "a.pdf",
              file_data: "data:application/pdf;base64,AAAA",
            },
          ],
        },
      ],
    },
    "input[0].content[0]",
  ],
  ["somebody else's item", { input: [{ type: "item_reference", id: "msg_1" }] }, "input[0].id"],
  [
    "an unknown response to go on from",
    { input: "x", previous_response_id: "resp_1" },
    "previous_response_id",
  ],
  ["a built-in tool", { input: "x", tools: [{ type: "web_search" }] }, "tools[0].type"],
  ["a choice without its tool", { input: "x", tool_choice: "required" }, "tool_choice"],
  ["work in the background", { input: "x", background: true }, "background"],
  ["a conversation object", { input: "x", conversation: "conv_1" }, "conversation"],
])("a request with %s is a typed 400", async (_name, body, param) => {
  const response = await world.call("the edge", "/v1/responses", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ model: "openclaw", ...body }),
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    code: "invalid_request",
    error: { type: "invalid_request_error", param },
  });
});

test("the SDK's own error class comes out of a refusal", async () => {
  const refused = world
    .client("the core's own port")
    .responses.create({ model: "openclaw", input: "x", temperature: 3 });
  await expect(refused).rejects.toThrow(BadRequestError);
});
