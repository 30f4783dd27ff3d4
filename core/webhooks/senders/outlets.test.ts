import { expect, test } from "vitest";
import { fails, says, waitsFor } from "../../../test/support/scripted-model.ts";
import { senderWorld, TOKEN } from "../../../test/support/sender-world.ts";
import { until } from "../../../test/support/until.ts";

test("a slash command that is worked on for longer is answered where it asked to be", async () => {
  const w = await senderWorld();
  w.model.next(says("Because <@U1> & co"));
  const url = await w.command();
  expect(await w.replies("slack:t1")).toMatchObject([
    { id: "slack:t1/0", state: "sent", channel: "sender:slack", conversation: "1" },
  ]);
  expect(w.slack.shown).toEqual(["Because <@U1> & co"]);
  const prompt = w.model.requests[0]?.messages.at(-1)?.text ?? "";
  expect(prompt).toContain("text=why");
  for (const secret of [url, encodeURIComponent(url), "old-secret"]) {
    expect(prompt).not.toContain(secret);
    expect(w.logged()).not.toContain(secret);
  }
});

test("the same webhook again is not answered again", async () => {
  const w = await senderWorld();
  const url = await w.command();
  await w.replies("slack:t1");
  await w.command({ response_url: url });
  await w.engine.drain(1_000);
  expect(await w.store.webhook("slack:t1")).toMatchObject({ duplicates: 1 });
  expect(w.slack.calls).toBe(1);
});

test("an answer in time goes out by the way in, a late one by the way back", async () => {
  const w = await senderWorld();
  w.model.next(says("at once"));
  await w.command({}, "slack", 20_000);
  await w.replies("slack:t1");
  expect(w.slack.calls).toBe(0);

  const gate = Promise.withResolvers<void>();
  w.model.next(waitsFor(gate.promise, says("late")));
  const taken = w.take(
    "slack",
    "t2",
    String(new URLSearchParams({ command: "/ask", response_url: w.slack.responseUrl() })),
    2_000,
  );
  await w.pass(1_750);
  expect(await taken).toBe("committed");
  gate.resolve();
  await w.replies("slack:t2");
  expect(w.slack.shown).toEqual(["late"]);
});

test("a long answer comes in pieces: the first in place of thinking, the rest after it", async () => {
  const w = await senderWorld();
  w.discord.respond(TOKEN);
  const text = Array.from({ length: 700 }, (_, index) => `word${index}`).join(" ");
  w.model.next(says(text));
  await w.interaction();
  expect(await w.replies("discord:i1")).toMatchObject([
    { state: "sent", platformId: "1001" },
    { state: "sent", platformId: "1002" },
    { state: "sent", platformId: "1003" },
  ]);
  expect(w.discord.shown.map(({ by }) => by)).toEqual(["PATCH", "POST", "POST"]);
  expect(w.discord.shown.map(({ content }) => content).join(" ")).toBe(text);
  expect(w.logged()).not.toContain(TOKEN);
});

test("behind a button the message stays, and the answer is one of its own", async () => {
  const w = await senderWorld();
  w.discord.respond(TOKEN);
  await w.interaction({ type: 3 });
  await w.replies("discord:i1");
  expect(w.discord.shown.map(({ by }) => by)).toEqual(["POST"]);
});

test("an answer that is faster than thinking waits for it", async () => {
  const w = await senderWorld();
  w.model.next(says("quick"));
  await w.interaction();
  await w.clock.waiting(1_000);
  expect(w.discord.calls).toBe(1);
  w.discord.respond(TOKEN);
  w.clock.advance(1_000);
  await w.replies("discord:i1");
  expect(w.discord.shown).toEqual([{ by: "PATCH", content: "quick" }]);
});

test("where Discord has never heard of the interaction the answer is lost in the end", async () => {
  const w = await senderWorld();
  await w.interaction();
  for (let seconds = 0; seconds < 15; seconds += 1) await w.pass(1_000);
  expect(await w.replies("discord:i1")).toMatchObject([
    { state: "lost", reason: "Discord answered 404: 10015" },
  ]);
});

test("a failed turn is told to the sender as well", async () => {
  const w = await senderWorld();
  w.model.next(fails("model_unauthorized"));
  await w.command();
  await w.replies("slack:t1");
  expect(w.slack.shown).toEqual([expect.stringContaining("I could not answer this")]);
});

test("who is not to be answered is not, and who has left no way stays in the session", async () => {
  const w = await senderWorld();
  await w.command({}, "mute");
  const event = { type: "event_callback", event_id: "e1", token: "x", event: { type: "message" } };
  await w.take("slack", "e1", JSON.stringify(event));
  expect(await w.replies("mute:t1")).toEqual([]);
  expect(await w.replies("slack:e1")).toEqual([]);
  expect(w.slack.calls).toBe(0);
  expect(w.logged()).not.toContain("nowhere to go");
});

test("a wake-up answers the sender where it is told to", async () => {
  const w = await senderWorld();
  w.model.next(says("noted"));
  await w.command({}, "woken");
  await w.replies("woken:t1");
  expect(w.slack.shown).toEqual(["noted"]);
});

test("cases of a route answer the sender as well", async () => {
  const w = await senderWorld();
  w.model.next(says("done"));
  await w.command({}, "each");
  await w.replies("each:t1");
  expect(w.slack.shown).toEqual(["done"]);
});

test("a webhook that is run again is answered again, while there is time", async () => {
  const w = await senderWorld();
  w.model.next(says("one"), says("two"));
  await w.command();
  await w.replies("slack:t1");
  const { id } = await w.desk.replay("slack:t1");
  await w.replies(id);
  expect(w.slack.shown).toEqual(["one", "two"]);
});

test("a caller of ours cannot speak to the sender of another webhook", async () => {
  const w = await senderWorld();
  const url = await w.command({}, "mute");
  await w.replies("mute:t1");
  await w.engine.acceptHook({
    id: "h1",
    lane: "h",
    payload: { kind: "agent", message: "x", deliver: true, channel: "sender:slack", to: "mute:t1" },
  });
  await until(() => w.logged().includes("nowhere to go"));
  await w.engine.drain(1_000);
  expect(w.slack.calls).toBe(0);
  expect(w.logged()).not.toContain(url);
});
