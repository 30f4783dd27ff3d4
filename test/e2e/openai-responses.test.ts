import { NotFoundError } from "openai";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startCore } from "../support/core.ts";
import { fail, reply } from "../support/fake-model.ts";
import { DOORS, type OpenAiWorld, startOpenAiWorld } from "../support/openai-world.ts";

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

test.each(DOORS)("a response comes back whole through %s", async (door) => {
  const response = await world.client(door).responses.create({
    model: "openclaw",
    input: "Hello there",
    instructions: "Be brief.",
    metadata: { for: "a test" },
  });
  expect(response.output_text).toBe("You said Hello there");
  expect(response).toMatchObject({
    object: "response",
    status: "completed",
    model: "openclaw",
    metadata: { for: "a test" },
    error: null,
  });
  expect(response.id).toMatch(/^resp_[0-9a-f]{32}$/);
  expect(response.usage?.total_tokens).toBeGreaterThan(0);
  expect(lastSent().messages).toContainEqual({ role: "system", content: "Be brief." });
});

test.each(DOORS)("a streamed response has its events in order through %s", async (door) => {
  const stream = await world
    .client(door)
    .responses.create({ model: "openclaw", input: "Hello there", stream: true });
  const events = await Array.fromAsync(stream);
  const kinds = events.map(({ type }) => type);
  expect(kinds.filter((kind) => kind !== "response.output_text.delta")).toEqual([
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
  ]);
  expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
  const deltas = events.flatMap((event) =>
    event.type === "response.output_text.delta" ? [event.delta] : [],
  );
  expect(deltas.length).toBeGreaterThan(1);
  expect(deltas.join("")).toBe("You said Hello there");
});

test.each(DOORS)(
  "the SDK's own stream helper puts a response together through %s",
  async (door) => {
    const stream = world.client(door).responses.stream({ model: "openclaw", input: "Hello there" });
    const final = await stream.finalResponse();
    expect(final.output_text).toBe("You said Hello there");
  },
);

test.each(DOORS)(
  "a conversation goes on from a response, and branches, through %s",
  async (door) => {
    const openai = world.client(door);
    const first = await openai.responses.create({ model: "openclaw", input: "My name is Ada" });
    const second = await openai.responses.create({
      model: "openclaw",
      input: "What is my name?",
      previous_response_id: first.id,
    });
    expect(second.previous_response_id).toBe(first.id);
    const said = [
      { role: "user", content: "My name is Ada" },
      { role: "assistant", content: "You said My name is Ada" },
    ];
    expect(lastSent().messages.slice(-3)).toEqual([
      ...said,
      { role: "user", content: "What is my name?" },
    ]);
    await openai.responses.create({
      model: "openclaw",
      input: "Another question",
      previous_response_id: first.id,
    });
    expect(lastSent().messages.slice(-3)).toEqual([
      ...said,
      { role: "user", content: "Another question" },
    ]);
  },
);

test("a response is asked for again, forgotten, and never kept when told so", async () => {
  const openai = world.client("the edge");
  const kept = await openai.responses.create({ model: "openclaw", input: "Hello" });
  expect(await openai.responses.retrieve(kept.id)).toEqual(kept);
  await openai.responses.delete(kept.id);
  await expect(openai.responses.retrieve(kept.id)).rejects.toThrow(NotFoundError);
  const not = await openai.responses.create({ model: "openclaw", input: "Hello", store: false });
  await expect(openai.responses.retrieve(not.id)).rejects.toThrow(NotFoundError);
  const next = openai.responses.create({
    model: "openclaw",
    input: "And?",
    previous_response_id: not.id,
  });
  await expect(next).rejects.toMatchObject({ status: 400, param: "previous_response_id" });
  await expect(openai.responses.cancel(kept.id)).rejects.toThrow(NotFoundError);
});

test("`user` names a session to go on with", async () => {
  const openai = world.client("the edge");
  const order = { model: "openclaw", user: "ada-of-responses" };
  await openai.responses.create({ ...order, input: "First" });
  await openai.responses.create({ ...order, input: "Second" });
  expect(lastSent().messages.slice(-3)).toEqual([
    { role: "user", content: "First" },
    { role: "assistant", content: "You said First" },
    { role: "user", content: "Second" },
  ]);
});

test("an answer that was cut is incomplete, whole and as a stream", async () => {
  const openai = world.client("the edge");
  world.model.always(reply("Once upon", { stop: "length" }));
  const order = { model: "openclaw", input: "A story", max_output_tokens: 16 } as const;
  expect(await openai.responses.create(order)).toMatchObject({
    status: "incomplete",
    incomplete_details: { reason: "max_output_tokens" },
  });
  const events = await Array.fromAsync(await openai.responses.create({ ...order, stream: true }));
  expect(events.at(-1)?.type).toBe("response.incomplete");
});

test("a model that fails is an HTTP status before the first word, and an event after it", async () => {
  const openai = world.client("the edge");
  const order = { model: "openclaw", input: "Hello", stream: true } as const;
  world.model.always(fail(401, { "Content-Type": "application/json" }, '{"error":{}}'));
  await expect(openai.responses.create(order)).rejects.toMatchObject({
    status: 502,
    code: "model_unauthorized",
  });
  world.model.always({ kind: "cut", words: 1 });
  const events = await Array.fromAsync(await openai.responses.create(order));
  expect(events.at(-1)).toMatchObject({
    type: "response.failed",
    response: { status: "failed", error: { code: "server_error" } },
  });
});

test("a kept response outlives a core that is killed", async () => {
  const openai = world.client("the edge");
  const kept = await openai.responses.create({ model: "openclaw", input: "Remember 42" });
  await world.core.kill();
  const again = await startCore(world.home, world.edge);
  try {
    expect(await openai.responses.retrieve(kept.id)).toEqual(kept);
    const order = { model: "openclaw", input: "What?", previous_response_id: kept.id };
    await openai.responses.create(order);
    expect(lastSent().messages).toContainEqual({ role: "user", content: "Remember 42" });
  } finally {
    await again.stop();
  }
});
