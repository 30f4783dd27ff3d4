import { expect, test } from "vitest";
import { says, waitsFor } from "../../../test/support/scripted-model.ts";
import { APPLICATION, senderWorld, TOKEN } from "../../../test/support/sender-world.ts";

const MINUTE = 60_000;

test.each(["rate_limited_2s", "broken", "hang_up", "accept_then_hang_up"] as const)(
  "an edit that ends in %s is made again: the same once more changes nothing",
  async (fault) => {
    const w = await senderWorld();
    w.discord.respond(TOKEN);
    w.discord.fail(fault);
    await w.interaction();
    await w.pass(fault === "rate_limited_2s" ? 2_000 : 5_000);
    expect(await w.replies("discord:i1")).toMatchObject([{ state: "sent" }]);
    expect(new Set(w.discord.shown.map(({ content }) => content)).size).toBe(1);
  },
);

test.each([
  ["rate_limited_2s", 2_000],
  ["broken", 5_000],
] as const)("a message that ends in %s is sent once more, later", async (fault, ms) => {
  const w = await senderWorld();
  w.slack.fail(fault);
  w.model.next(says("hello"));
  await w.command();
  await w.pass(ms);
  expect(await w.replies("slack:t1")).toMatchObject([{ state: "sent" }]);
  expect(w.slack.shown).toEqual(["hello"]);
});

test.each([
  ["hang_up", "unknown whether it arrived: Slack gave no answer", 0],
  ["accept_then_hang_up", "unknown whether it arrived: Slack gave no answer", 1],
  ["redirect", "Slack answered 307", 0],
  ["expired", "Slack answered 404: expired_url", 0],
  ["not_ok", "Slack answered 200: expired_url", 0],
  ["forbidden", "Slack answered 403: action_prohibited", 0],
] as const)("a message that ends in %s is not sent again", async (fault, reason, shown) => {
  const w = await senderWorld();
  w.slack.fail(fault);
  const url = await w.command();
  const [reply] = await w.replies("slack:t1");
  expect(reply).toMatchObject({ state: "lost" });
  expect(reply?.reason).toContain(reason);
  expect(w.slack.shown).toHaveLength(shown);
  expect(w.slack.calls).toBe(1);
  expect(`${reply?.reason} ${w.logged()}`).not.toContain(new URL(url).pathname);
});

test.each([
  ["slack", 30 * MINUTE, "Slack takes answers for 30 minutes"],
  ["discord", 15 * MINUTE, "Discord takes answers for 15 minutes"],
])("when the time of %s is over nothing is sent", async (route, ms, reason) => {
  const w = await senderWorld();
  w.discord.respond(TOKEN);
  for (const late of [false, true]) {
    const gate = Promise.withResolvers<void>();
    w.model.next(waitsFor(gate.promise, says("late")));
    const id = `x${late}`;
    const body = { id, type: 2, application_id: APPLICATION, token: TOKEN };
    const form = new URLSearchParams({ command: "/ask", response_url: w.slack.responseUrl() });
    await w.take(route, id, route === "slack" ? String(form) : JSON.stringify(body));
    w.clock.advance(late ? ms : ms - 1);
    gate.resolve();
    const [reply] = await w.replies(`${route}:${id}`);
    expect(reply?.state).toBe(late ? "lost" : "sent");
    if (late) expect(reply?.reason).toContain(reason);
  }
});

test.each([
  ["another host", "https://hooks.slack.com", "https://evil.example/commands/1"],
  ["a host that looks like it", "https://hooks.slack.com", "https://hooks.slack.com.evil.example/"],
  ["a port of its own", "https://hooks.slack.com", "https://hooks.slack.com:8443/"],
  ["a name and a password", "https://hooks.slack.com", "https://a:b@hooks.slack.com/x"],
  ["no encryption", "https://hooks.slack.com", "http://hooks.slack.com/x"],
  ["this machine", "https://hooks.slack.com", "http://127.0.0.1:1/"],
  ["no address", "https://hooks.slack.com", "nonsense"],
  ["a file", "https://hooks.slack.com", "file:///etc/passwd"],
])("an address at %s gets no answer", async (_name, origin, url) => {
  const w = await senderWorld([origin]);
  await w.command({ response_url: url });
  expect(await w.replies("slack:t1")).toMatchObject([
    { state: "lost", reason: "The response_url is not at an address of Slack's" },
  ]);
  expect(w.slack.calls).toBe(0);
});
