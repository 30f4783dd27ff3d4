import type { ChatCompletionMessageParam } from "openai/resources/chat/completions";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { callTools, reply } from "../support/fake-model.ts";
import { DOORS, type OpenAiWorld, startOpenAiWorld } from "../support/openai-world.ts";
import { eventually } from "../support/until.ts";

const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const WEATHER = {
  type: "function",
  function: { name: "weather", parameters: { type: "object", properties: {} } },
} as const;

const HI = { model: "openclaw", messages: [{ role: "user" as const, content: "Hello there" }] };

const CONFIG = {
  agents: {
    entries: {
      main: { default: true, name: "Main" },
      ada: { name: "Ada", systemPromptOverride: "You are Ada." },
    },
  },
};

let world: OpenAiWorld;

beforeAll(async () => {
  world = await startOpenAiWorld(CONFIG);
});
beforeEach(() => world.model.always(reply((said) => `You said ${said}`)));
afterAll(() => world[Symbol.asyncDispose]());

function lastSent(): { readonly messages: readonly unknown[] } & Record<string, unknown> {
  const body = world.model.requests.at(-1)?.body;
  if (typeof body !== "object" || body === null || !("messages" in body)) throw new Error("none");
  if (!Array.isArray(body.messages)) throw new Error("no messages");
  return { ...body, messages: body.messages };
}

test.each(DOORS)(
  "the models are the agents, in the list and one by one, through %s",
  async (door) => {
    const openai = world.client(door);
    const ids = (await openai.models.list()).data.map(({ id }) => id);
    expect(ids).toEqual(["openclaw", "openclaw/default", "openclaw/main", "openclaw/ada"]);
    for (const id of [...ids, "openclaw:ada", "agent:ada"]) {
      expect(await openai.models.retrieve(id)).toMatchObject({ id, object: "model" });
    }
    await expect(openai.models.retrieve("openclaw/nobody")).rejects.toMatchObject({
      status: 404,
      code: "model_not_found",
    });
  },
);

test.each(["openclaw/ada", "openclaw:ada", "agent:ada", "OPENCLAW-by-header"])(
  "%s asks the agent of that name",
  async (name) => {
    const byHeader = name.startsWith("OPENCLAW");
    const headers: Record<string, string> = byHeader ? { "x-openclaw-agent-id": "Ada" } : {};
    const openai = world.client("the edge", { headers });
    const model = byHeader ? "openclaw" : name;
    const answer = await openai.chat.completions.create({ ...HI, model });
    expect(answer.model).toBe(model);
    expect(lastSent().messages[0]).toEqual({ role: "system", content: "You are Ada." });
  },
);

test.each(DOORS)(
  "a client's own tool is called, and its result answered, through %s",
  async (door) => {
    const openai = world.client(door);
    world.model.next(
      callTools([
        { id: "call_1", name: "weather", input: '{"place":"Oslo"}' },
        { id: "call_2", name: "weather", input: '{"place":"Rome"}' },
      ]),
    );
    const messages: ChatCompletionMessageParam[] = [{ role: "user", content: "How is it?" }];
    const asked = await openai.chat.completions.create({ ...HI, messages, tools: [WEATHER] });
    const [choice] = asked.choices;
    expect(choice?.finish_reason).toBe("tool_calls");
    expect(choice?.message).toMatchObject({
      content: null,
      tool_calls: [
        { id: "call_1", type: "function", function: { name: "weather" } },
        { id: "call_2", type: "function", function: { arguments: '{"place":"Rome"}' } },
      ],
    });
    if (choice === undefined) throw new Error("no choice");
    messages.push(
      choice.message,
      { role: "tool", tool_call_id: "call_1", content: "sunny" },
      { role: "tool", tool_call_id: "call_2", content: "hot" },
    );
    const answer = await openai.chat.completions.create({ ...HI, messages, tools: [WEATHER] });
    expect(answer.choices[0]?.message.content).toBe("You said How is it?");
    expect(lastSent().messages.slice(-2)).toEqual([
      { role: "tool", tool_call_id: "call_1", content: "sunny" },
      { role: "tool", tool_call_id: "call_2", content: "hot" },
    ]);
  },
);

test.each(DOORS)(
  "the SDK runs a tool of the client by itself, streaming, through %s",
  async (door) => {
    world.model.next(callTools([{ id: "call_1", name: "weather", input: "{}" }], "Let me look."));
    const lookUp = vi.fn<() => string>(() => "sunny");
    const runner = world.client(door).chat.completions.runTools({
      model: "openclaw",
      stream: true,
      messages: [{ role: "user", content: "How is Oslo?" }],
      tools: [
        {
          type: "function",
          function: {
            name: "weather",
            description: "The weather",
            parameters: { type: "object", properties: {} },
            function: lookUp,
            parse: JSON.parse,
          },
        },
      ],
    });
    expect(await runner.finalContent()).toBe("You said How is Oslo?");
    expect(lookUp).toHaveBeenCalledTimes(1);
  },
);

test("the agent's own tools run before a client's, and both results are there", async () => {
  world.model.next(
    callTools([
      { id: "own", name: "current_time", input: "{}" },
      { id: "theirs", name: "weather", input: "{}" },
    ]),
  );
  const answer = await world
    .client("the edge")
    .chat.completions.create({ ...HI, tools: [WEATHER] });
  expect(answer.choices[0]?.message.tool_calls).toMatchObject([{ id: "theirs" }]);
});

test("a session with client tools goes on with what the client brings", async () => {
  const openai = world.client("the edge");
  world.model.next(callTools([{ id: "call_7", name: "weather", input: "{}" }]));
  const order = { ...HI, user: "tools-of-ada", tools: [WEATHER] };
  const asked = await openai.chat.completions.create(order);
  const call = asked.choices[0]?.message;
  if (call === undefined) throw new Error("no message");
  await openai.chat.completions.create({
    ...order,
    messages: [...HI.messages, call, { role: "tool", tool_call_id: "call_7", content: "sunny" }],
  });
  await openai.chat.completions.create({ ...HI, user: "tools-of-ada" });
  expect(lastSent().messages.slice(-5)).toMatchObject([
    { role: "user", content: "Hello there" },
    { role: "assistant", tool_calls: [{ id: "call_7" }] },
    { role: "tool", tool_call_id: "call_7", content: "sunny" },
    { role: "assistant", content: "You said Hello there" },
    { role: "user", content: "Hello there" },
  ]);
});

test("choice, format and images reach the model as they came", async () => {
  const openai = world.client("the edge");
  const schema = { type: "object", properties: { a: { type: "number" } } };
  await openai.chat.completions.create({
    ...HI,
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "What is it?" },
          { type: "image_url", image_url: { url: PIXEL, detail: "low" } },
        ],
      },
    ],
    response_format: { type: "json_schema", json_schema: { name: "out", schema, strict: true } },
  });
  expect(lastSent()).toMatchObject({
    response_format: { type: "json_schema", json_schema: { name: "out", schema, strict: true } },
    messages: expect.arrayContaining([
      {
        role: "user",
        content: [
          { type: "image_url", image_url: { url: PIXEL } },
          { type: "text", text: "What is it?" },
        ],
      },
    ]),
  });
  await openai.chat.completions.create({
    ...HI,
    tools: [WEATHER],
    tool_choice: { type: "function", function: { name: "weather" } },
  });
  expect(lastSent()).toMatchObject({
    tool_choice: { type: "function", function: { name: "weather" } },
    tools: [{ function: { name: "weather" } }],
  });
});

test("a header names the session, and the model for one request", async () => {
  const headers = { "x-openclaw-session-key": "My-Thread" };
  const openai = world.client("the edge", { headers });
  await openai.chat.completions.create(HI);
  await openai.chat.completions.create({
    ...HI,
    messages: [{ role: "user", content: "And again" }],
  });
  expect(lastSent().messages.slice(-3)).toEqual([
    { role: "user", content: "Hello there" },
    { role: "assistant", content: "You said Hello there" },
    { role: "user", content: "And again" },
  ]);
  const other = world.client("the edge", { headers: { "x-openclaw-model": "openai/gpt-other" } });
  const { response } = await other.chat.completions.create(HI).withResponse();
  expect(response.headers.get("X-Sallyport-Model")).toBe("openai/gpt-other");
  expect(lastSent()).toMatchObject({ model: "gpt-other" });
});

test.each([
  [{ "x-openclaw-session-key": "subagent:x" }, 400],
  [{ "x-openclaw-session-key": "cron:x" }, 400],
  [{ "x-openclaw-session-key": "agent:main:acp:x" }, 400],
  [{ "x-openclaw-session-key": "agent:ada:x" }, 400],
  [{ "x-openclaw-session-key": "two words" }, 400],
  [{ "x-openclaw-agent-id": "nobody" }, 400],
  [{ "x-openclaw-agent-id": "../main" }, 400],
  [{ "x-openclaw-model": "nobody/none" }, 404],
  [{ "x-openclaw-message-channel": "no channel" }, 400],
])("a request with %j is refused", async (headers, status) => {
  const openai = world.client("the edge", { headers });
  await expect(openai.chat.completions.create(HI)).rejects.toMatchObject({ status });
});

test("an endpoint that is switched off in the file is gone within seconds, and comes back", async () => {
  const file = join(world.home.dir, "openclaw.json");
  const base = { gateway: { auth: { token: world.home.token } }, ...CONFIG };
  const off = { chatCompletions: { enabled: false }, responses: { enabled: false } };
  const gateway = { ...base.gateway, http: { endpoints: off } };
  const status = async (path: string): Promise<number> => {
    const response = await world.call("the core's own port", path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...HI, input: "x" }),
    });
    await response.arrayBuffer();
    return response.status;
  };
  await writeFile(file, JSON.stringify({ ...base, gateway }));
  await eventually(async () => expect(await status("/v1/chat/completions")).toBe(404));
  expect(await status("/v1/responses")).toBe(404);
  expect(await status("/response")).toBe(404);
  await writeFile(file, JSON.stringify(base));
  await eventually(async () => expect(await status("/v1/chat/completions")).toBe(200));
});
