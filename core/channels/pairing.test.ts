import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { CODE_LIFE_MS, MAX_PENDING, Pairing } from "./pairing.ts";

/** A pairing over a store in memory, and its hands. */
function world() {
  const facts = new Map<string, string>();
  let now = 1_790_000_000_000;
  const store = {
    get: (key: string) => Promise.resolve(facts.get(key)),
    set: (key: string, value: string) => Promise.resolve(void facts.set(key, value)),
  };
  const open = (): Pairing => new Pairing({ store, now: () => now, randomBytes });
  return { pairing: open(), reopen: open, facts, pass: (ms: number) => (now += ms) };
}

async function codeFor(pairing: Pairing, sender: string, askedBy = `item-${sender}`) {
  const answer = await pairing.ask("telegram", { sender, name: `N${sender}`, askedBy });
  return answer.state === "new" ? answer.code : answer.state;
}

test("a code has eight letters that cannot be mistaken for one another", async () => {
  const { pairing } = world();
  expect(await codeFor(pairing, "1")).toMatch(/^[A-HJ-NP-Z2-9]{8}$/);
});

test("a stranger is told once; the same item is told again, for its first answer may be lost", async () => {
  const { pairing, reopen } = world();
  const code = await codeFor(pairing, "1", "item-a");
  expect(await codeFor(pairing, "1", "item-b")).toBe("waiting");
  expect(await codeFor(reopen(), "1", "item-a")).toBe(code);
});

test("an approved sender is let in, across restarts, and the code is used up", async () => {
  const { pairing, reopen } = world();
  const code = await codeFor(pairing, "1");
  expect(await pairing.approve("telegram", ` ${code.toLowerCase()} `)).toMatchObject({
    sender: "1",
  });
  expect(await reopen().approved("telegram")).toMatchObject([{ sender: "1", name: "N1" }]);
  expect(await pairing.pending("telegram")).toEqual([]);
  expect(await pairing.approve("telegram", code)).toBeUndefined();
  expect(await codeFor(pairing, "1")).toBe("approved");
});

test.each([
  ["empty", ""],
  ["not a code", "ABCDEFGH"],
  ["of another channel", undefined],
])("a code that is %s approves nobody", async (_name, wrong) => {
  const { pairing } = world();
  const code = await codeFor(pairing, "1");
  expect(
    await pairing.approve(wrong === undefined ? "discord" : "telegram", wrong ?? code),
  ).toBeUndefined();
  expect(await pairing.approved("telegram")).toEqual([]);
});

test("a code is good for an hour, and the next message gets a new one", async () => {
  const { pairing, pass } = world();
  const code = await codeFor(pairing, "1");
  pass(CODE_LIFE_MS);
  expect(await pairing.approve("telegram", code)).toBeUndefined();
  expect(await codeFor(pairing, "1")).not.toBe(code);
});

test("only three strangers wait at once, also when they come at the same moment", async () => {
  const { pairing, pass } = world();
  const answers = await Promise.all(
    ["1", "2", "3", "4", "5"].map((sender) => codeFor(pairing, sender)),
  );
  expect(answers.filter((answer) => answer !== "waiting")).toHaveLength(MAX_PENDING);
  expect(await pairing.pending("telegram")).toHaveLength(MAX_PENDING);
  pass(CODE_LIFE_MS);
  expect(await codeFor(pairing, "5")).toMatch(/^\w{8}$/);
});

test("a revoked sender is a stranger again", async () => {
  const { pairing } = world();
  await pairing.approve("telegram", await codeFor(pairing, "1"));
  expect(await pairing.revoke("telegram", "1")).toBe(true);
  expect(await pairing.revoke("telegram", "1")).toBe(false);
  expect(await codeFor(pairing, "1")).toMatch(/^\w{8}$/);
});

test("who was let in first stays that, whoever comes and goes", async () => {
  const { pairing, reopen } = world();
  const enter = async (sender: string) =>
    pairing.approve("telegram", await codeFor(pairing, sender));
  expect(await pairing.firstOf("telegram")).toBeUndefined();
  await enter("1");
  await enter("2");
  expect(await pairing.firstOf("telegram")).toBe("1");
  await pairing.revoke("telegram", "1");
  expect(await reopen().firstOf("telegram")).toBeUndefined();
  await enter("3");
  expect(await pairing.firstOf("telegram")).toBeUndefined();
  await enter("1");
  expect(await reopen().firstOf("telegram")).toBe("1");
});

test("a list from before that was written down has its oldest first", async () => {
  const { pairing, facts } = world();
  const approved = ["1", "2"].map((sender) => ({ sender, name: "N", approvedAt: 1 }));
  facts.set("pairing:telegram", JSON.stringify({ pending: [], approved }));
  expect(await pairing.firstOf("telegram")).toBe("1");
  await pairing.revoke("telegram", "1");
  expect(await pairing.firstOf("telegram")).toBeUndefined();
});
