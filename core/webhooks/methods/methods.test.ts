import { expect, test } from "vitest";
import { says, waitsFor } from "../../../test/support/scripted-model.ts";
import { record, webhookMethodWorld } from "../../../test/support/webhook-method-world.ts";
import { BodyPiece } from "./answers.ts";

test("reading asks for operator.read, doing for operator.admin", async () => {
  const { methods, loaded } = await webhookMethodWorld();
  const scopesOf = (all: typeof methods): object =>
    Object.fromEntries([...all].map(([name, { scope }]) => [name, scope]));
  expect(scopesOf(methods)).toEqual(scopesOf(loaded));
  expect(scopesOf(loaded)).toEqual({
    "webhooks.list": "operator.read",
    "webhooks.deadLetters": "operator.read",
    "webhooks.tail": "operator.read",
    "webhooks.show": "operator.read",
    "webhooks.body": "operator.read",
    "webhooks.raw": "operator.admin",
    "webhooks.routes": "operator.read",
    "webhooks.stats": "operator.read",
    "webhooks.replay": "operator.admin",
    "webhooks.deadLetters.replay": "operator.admin",
    "webhooks.deadLetters.drop": "operator.admin",
    "webhooks.test": "operator.admin",
  });
});

test.each<[string, object]>([
  ["webhooks.list", { routes: "typo" }],
  ["webhooks.list", { limit: 0 }],
  ["webhooks.list", { limit: 201 }],
  ["webhooks.list", { cursor: "core:1; drop table" }],
  ["webhooks.list", { state: "gone" }],
  ["webhooks.tail", { waitMs: 25_001 }],
  ["webhooks.tail", { state: "spooled" }],
  ["webhooks.show", {}],
  ["webhooks.show", { id: "x".repeat(513) }],
  ["webhooks.body", { id: "x", offset: -1 }],
  ["webhooks.replay", {}],
  ["webhooks.replay", { ids: [], filter: {} }],
  ["webhooks.replay", { ids: Array.from({ length: 101 }, String) }],
  ["webhooks.deadLetters.drop", {}],
  ["webhooks.deadLetters.drop", { all: false }],
  ["webhooks.deadLetters.drop", { all: true, route: "github" }],
  ["webhooks.deadLetters.replay", { ids: [] }],
  ["webhooks.test", { route: "" }],
  ["webhooks.routes", { secrets: true }],
])("%s refuses %j", async (name, params) => {
  const { call } = await webhookMethodWorld();
  await expect(call(name, params)).rejects.toThrow();
});

test("a list comes newest first, page by page, and no webhook is on two pages", async () => {
  const { list, take } = await webhookMethodWorld();
  for (const id of ["1", "2", "3", "4", "5"]) await take(id);
  const first = await list({ limit: 2 });
  const second = await list({ limit: 2, cursor: first.next });
  const third = await list({ limit: 2, cursor: second.next });
  const ids = [first, second, third].map(({ webhooks }) => webhooks.map(({ id }) => id));
  expect(ids).toEqual([["github:5", "github:4"], ["github:3", "github:2"], ["github:1"]]);
  expect(third.next).toBeNull();
  expect((await list({ state: "spooled" })).webhooks).toEqual([]);
  expect((await list({ route: "stripe" })).webhooks).toEqual([]);
});

test("a tail without a place says where the log ends, and goes on from there", async () => {
  const { take, tail } = await webhookMethodWorld();
  await take("old");
  const { webhooks, cursor } = await tail({});
  expect(webhooks).toEqual([]);
  const waiting = tail({ after: cursor, waitMs: 20_000 });
  await take("new");
  const next = await waiting;
  expect(next.webhooks.map(({ id }) => id)).toEqual(["github:new"]);
  expect((await tail({ after: next.cursor })).webhooks).toEqual([]);
  expect((await tail({ since: 0 })).webhooks.map(({ id }) => id)).toEqual([
    "github:old",
    "github:new",
  ]);
});

test("a tail of one route is not woken for good by another", async () => {
  const { take, tail, stop } = await webhookMethodWorld();
  const { cursor } = await tail({});
  const waiting = tail({ after: cursor, route: "stripe", waitMs: 20_000 });
  await take("1");
  stop.abort();
  await expect(waiting).rejects.toMatchObject({ code: "core_draining" });
  await expect(tail({ after: cursor, waitMs: 20_000 })).rejects.toMatchObject({
    code: "core_draining",
  });
});

test("a webhook is shown from the edge to its turn, by any of its names", async () => {
  const { bot, take, show } = await webhookMethodWorld();
  bot.model.next(says("done"));
  const id = await take("1", { action: "opened", title: "é" });
  const shown = await show(id, 20_000);
  expect(shown).toMatchObject({
    id,
    state: "done",
    requestId: "trace-1",
    lanes: ["github:1"],
    body: { preview: '{"action":"opened","title":"é"}', encoding: "utf8", truncated: false },
    headers: [
      ["content-type", "application/json"],
      ["x-github-event", "issues"],
    ],
  });
  expect(shown.timeline.map(({ what }) => what)).toEqual([
    "received",
    "accepted",
    "began",
    "ended",
  ]);
  expect(shown.timeline.map(({ text }) => text).join("\n")).toContain(
    "verified by the edge as github",
  );
  expect((await show("trace-1")).id).toBe(id);
  expect((await show(String(shown.seq))).id).toBe(id);
  await expect(show("github:2")).rejects.toMatchObject({ code: "not_found" });
});

test("a wait for the end of a webhook gives up in time, and tells what is", async () => {
  const { bot, take, show } = await webhookMethodWorld();
  const gate = Promise.withResolvers<void>();
  bot.model.next(waitsFor(gate.promise));
  const id = await take("1");
  expect(["waiting", "running"]).toContain((await show(id, 1)).state);
  gate.resolve();
  expect((await show(id, 20_000)).state).toBe("done");
});

test("a body comes in pieces that are the bytes as they came", async () => {
  const { take, call, show } = await webhookMethodWorld();
  const text = JSON.stringify({ action: "none", pad: "é".repeat(400_000) });
  const id = await take("1", text);
  const pieces: Buffer[] = [];
  for (let offset: number | null = 0; offset !== null;) {
    const piece: BodyPiece = BodyPiece.parse(await call("webhooks.body", { id, offset }));
    expect(piece.total).toBe(Buffer.byteLength(text));
    pieces.push(Buffer.from(piece.data, "base64"));
    offset = piece.next;
  }
  expect(pieces.map(({ byteLength }) => byteLength > 256 * 1024)).not.toContain(true);
  expect(Buffer.concat(pieces).toString()).toBe(text);
  const { body } = await show(id);
  // Cut within a letter it is text all the same.
  expect(body).toMatchObject({ encoding: "utf8", truncated: true });
  const beyond = BodyPiece.parse(await call("webhooks.body", { id, offset: 10_000_000 }));
  expect(beyond).toMatchObject({ data: "", next: null });
});

test("bytes that are no text are previewed as base64", async () => {
  const { bot, show } = await webhookMethodWorld();
  const body = new Uint8Array([0x50, 0x4b, 0x03, 0x04, 0x00, 0xff]);
  const id = "github:zip";
  await bot.store.keepWebhook({ ...record(id, body), ignored: [id] }, []);
  const shown = await show("github:zip");
  expect(shown.body).toEqual({ preview: "UEsDBAD/", encoding: "base64", truncated: false });
  expect(shown.state).toBe("filtered");
  expect(shown.timeline[1]?.text).toBe(
    "accepted at try 3, verified here as github, with secret number 2",
  );
});
