import { expect, test } from "vitest";
import { waitsFor } from "../../../test/support/scripted-model.ts";
import { SECRET, webhookMethodWorld } from "../../../test/support/webhook-method-world.ts";
import { Dropped, Replayed, Routes, Stats, type WebhookEntry, WebhookPage } from "./answers.ts";

test("a filter is replayed oldest first, without replays and what waits, unless forced", async () => {
  const { take, show, replay, list } = await webhookMethodWorld();
  for (const id of ["1", "2", "3"]) await show(await take(id), 20_000);
  const dry = await replay({ filter: { route: "github" }, dryRun: true });
  expect(dry.replayed.map(({ id, as }) => [id, as])).toEqual([
    ["github:1", null],
    ["github:2", null],
    ["github:3", null],
  ]);
  expect((await list()).webhooks).toHaveLength(3);

  const half = await replay({ filter: {}, limit: 2 });
  expect(half.replayed.map(({ as }) => as)).toEqual(["github:1#1", "github:2#1"]);
  const rest = await replay({ filter: {}, limit: 2, cursor: half.next });
  expect(rest.replayed.map(({ as }) => as)).toEqual(["github:3#1"]);
  await show("github:3#1", 20_000);
  expect((await replay({ filter: {}, dryRun: true })).replayed).toHaveLength(3);
  expect((await replay({ filter: {}, dryRun: true, force: true })).replayed).toHaveLength(6);
});

test("one that cannot be replayed does not keep the others from it", async () => {
  const { bot, take, show, replay } = await webhookMethodWorld();
  const gate = Promise.withResolvers<void>();
  await show(await take("1"), 20_000);
  bot.model.next(waitsFor(gate.promise));
  const open = await take("2");
  const result = await replay({ ids: ["github:0", open, "github:1"], dryRun: true });
  expect(result.replayed.map(({ id }) => id)).toEqual(["github:1"]);
  expect(result.skipped.map(({ id }) => id)).toEqual(["github:0", open]);
  expect((await replay({ ids: [open], dryRun: true, force: true })).replayed).toHaveLength(1);
  gate.resolve();
});

test("a webhook that no case wants is told to run nothing", async () => {
  const { take, replay } = await webhookMethodWorld();
  const id = await take("1", { action: "labeled" });
  const { replayed } = await replay({ ids: [id], dryRun: true });
  expect(replayed[0]?.runs).toContain("no case");
});

test("dead work is listed, replayed once, and dropped", async () => {
  const { die, show, call } = await webhookMethodWorld();
  const letters = async (): Promise<WebhookEntry[]> =>
    WebhookPage.parse(await call("webhooks.deadLetters")).webhooks;
  const dead = [await die("1"), await die("2"), await die("3")];
  for (const id of dead) expect((await show(id, 20_000)).state).toBe("dead");
  expect((await letters()).map(({ id, reason }) => [id, reason])).toEqual(
    dead.toReversed().map((id) => [id, "The channel is not configured"]),
  );
  const [first = ""] = dead;
  const replayed = Replayed.parse(await call("webhooks.deadLetters.replay", { ids: [first] }));
  expect(replayed.replayed.map(({ as }) => as)).toEqual([`${first}#1`]);
  const again = await call("webhooks.deadLetters.replay", { ids: [first, `${first}#1`] });
  expect(Replayed.parse(again)).toMatchObject({
    replayed: [],
    skipped: [{ id: first }, { id: `${first}#1`, why: expect.stringMatching(/^it is /) }],
  });
  expect((await show(`${first}#1`, 20_000)).state).toBe("done");
  expect(await letters()).toHaveLength(2);
  expect(Dropped.parse(await call("webhooks.deadLetters.drop", { all: true }))).toEqual({
    dropped: 2,
  });
  expect(await letters()).toEqual([]);
});

test("of two who replay the same dead letter at once one does, and of two who drop it", async () => {
  const { die, show, call } = await webhookMethodWorld();
  const [first, second] = [await die("1"), await die("2")];
  for (const id of [first, second]) expect((await show(id, 20_000)).state).toBe("dead");
  const both = await Promise.all([
    call("webhooks.deadLetters.replay", { ids: [first] }),
    call("webhooks.deadLetters.replay", { all: true }),
    call("webhooks.deadLetters.replay", { route: "github" }),
  ]);
  const replayed = both.flatMap((one) => Replayed.parse(one).replayed.map(({ as }) => as));
  expect(replayed).toEqual([`${first}#1`, `${second}#1`]);
  const third = await die("3");
  expect((await show(third, 20_000)).state).toBe("dead");
  const [, dropped] = await Promise.all([
    call("webhooks.deadLetters.replay", { ids: [third] }),
    call("webhooks.deadLetters.drop", { ids: [third] }),
  ]);
  expect(Dropped.parse(dropped)).toEqual({ dropped: 0 });
});

test("routes say where to post to and what happens, and never a secret", async () => {
  const { call, take } = await webhookMethodWorld();
  await take("1");
  const answer = await call("webhooks.routes");
  expect(JSON.stringify(answer)).not.toContain(SECRET);
  expect(Routes.parse(answer).routes).toMatchObject([
    {
      name: "github",
      url: "https://edge.example/hooks/github",
      scheme: "github",
      verifiedAt: "edge",
      target: 'an agent turn when action is "opened"',
      accepted: 1,
      lastAt: expect.any(Number),
    },
    { name: "stripe", accepted: 0, lastAt: null, target: "a wake-up of the owner's session" },
  ]);
  expect(Stats.parse(await call("webhooks.stats"))).toMatchObject({
    routes: [{ route: "github", accepted: 1, duplicates: 0 }],
    relays: [],
  });
});

test("a sample is signed and posted as its sender would, and a refusal is told", async () => {
  const { call, posted } = await webhookMethodWorld();
  expect(await call("webhooks.test", { route: "github", event: "issues" })).toEqual({
    url: "https://edge.example/hooks/github",
    event: "issues",
    status: 401,
    answer: "no",
    requestId: "r-1",
    isHandshake: false,
    webhook: null,
  });
  const [request] = posted;
  expect(request?.headers.get("X-GitHub-Event")).toBe("issues");
  expect(request?.headers.get("X-Hub-Signature-256")).toMatch(/^sha256=[0-9a-f]{64}$/);
  await expect(call("webhooks.test", { route: "nope" })).rejects.toMatchObject({
    code: "not_found",
  });
  await expect(call("webhooks.test", { route: "github", event: "nope" })).rejects.toThrow(
    "push, ping, issues, pull_request",
  );
});
