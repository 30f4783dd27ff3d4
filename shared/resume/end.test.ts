import { expect, test } from "vitest";
import { Random } from "../../test/support/random.ts";
import { LIMITS } from "../limits.ts";
import { type Incoming, type Outgoing, ResumeEnd } from "./end.ts";
import { encodeRecord, RecordType } from "./record.ts";

const WINDOW = { messages: 4, bytes: 10_000 };

function live(window = WINDOW): ResumeEnd<string> {
  const end = new ResumeEnd<string>(window);
  end.restart();
  return end;
}

function all(end: ResumeEnd<string>): Outgoing<string>[] {
  const outgoing: Outgoing<string>[] = [];
  for (let next = end.next(); next !== undefined; next = end.next()) outgoing.push(next);
  return outgoing;
}

/** Hands over what `from` says. */
function carry(from: ResumeEnd<string>, to: ResumeEnd<string>): (Incoming | string)[] {
  return all(from).flatMap((outgoing) => {
    if (outgoing.kind !== "record") return [];
    const received = to.receive(outgoing.bytes, "receipt");
    return [received.ok ? received.value : received.error.reason];
  });
}

function texts(incoming: readonly (Incoming | string)[]): string[] {
  return incoming.flatMap((one) =>
    typeof one === "string" ? [one] : one.kind === "message" ? [String(one.message)] : [],
  );
}

test("messages arrive in order, once, and no more than the window before a word comes back", () => {
  const [a, b] = [live(), live()];
  for (const text of ["1", "2", "3", "4", "5", "6"]) a.send(text);
  expect(texts(carry(a, b))).toEqual(["1", "2", "3", "4"]);
  expect(a.waitingBytes).toBeGreaterThan(0);
  for (const number of [1, 2, 3, 4]) b.finish(number);
  b.send("an answer brings it");
  carry(b, a);
  expect(texts(carry(a, b))).toEqual(["5", "6"]);
});

test("a message larger than the window goes alone", () => {
  const [a, b] = [live(), live()];
  a.send("x".repeat(WINDOW.bytes * 2));
  a.send("y");
  expect(texts(carry(a, b)).map(({ length }) => length)).toEqual([WINDOW.bytes * 2]);
});

test("what was lost is said again, and what was not is not heard twice", () => {
  const [a, b] = [live(), live()];
  a.send("1");
  expect(texts(carry(a, b))).toEqual(["1"]);
  b.finish(1);
  a.send("2");
  all(a);
  a.pause();
  a.send("3");
  expect(all(a)).toEqual([]);
  a.restart();
  expect(texts(carry(a, b))).toEqual(["2", "3"]);
});

test("a word of its own comes after so many messages, never sooner", () => {
  const [a, b] = [live({ messages: 1_000, bytes: 1e6 }), live()];
  for (let number = 1; number < LIMITS.resumeAckMessages; number += 1) a.send("x");
  carry(a, b);
  for (let number = 1; number < LIMITS.resumeAckMessages; number += 1) b.finish(number);
  expect(all(b)).toEqual([]);
  a.send("x");
  carry(a, b);
  b.finish(LIMITS.resumeAckMessages);
  expect(a.unconfirmed).toBe(1 + LIMITS.resumeAckMessages - 1);
  carry(b, a);
  expect(a.unconfirmed).toBe(0);
});

test("a word of its own comes after so many bytes", () => {
  const [a, b] = [live({ messages: 9, bytes: 1e6 }), live()];
  a.send(new Uint8Array(LIMITS.resumeAckBytes));
  carry(a, b);
  b.finish(1);
  carry(b, a);
  expect(a.unconfirmed).toBe(0);
});

test("one message that takes its time does not stop those after it", () => {
  const [a, b] = [live({ messages: 40, bytes: 1e6 }), live()];
  for (let number = 1; number <= 400; number += 1) a.send(String(number));
  const heard: string[] = [];
  for (let round = 0; round < 20; round += 1) {
    const incoming = carry(a, b);
    heard.push(...texts(incoming));
    for (const one of incoming) {
      if (typeof one !== "string" && one.kind === "message" && one.number > 1) b.finish(one.number);
    }
    carry(b, a);
  }
  expect(heard).toHaveLength(400);
  expect(b.received).toBe(0);
  b.finish(1);
  expect(b.received).toBe(400);
});

test("an answer uses the receipt of what it answers, and again on the next connection", () => {
  const [a, b] = [live(), live()];
  a.send("question");
  carry(a, b);
  b.keep("state");
  b.send("answer", 1);
  expect(all(b)).toMatchObject([{ kind: "state" }, { kind: "record", receipt: "receipt" }]);
  b.pause();
  // Nobody knows whether the answer arrived: the question comes again, and is not a new one.
  a.restart();
  expect(carry(a, b)).toEqual([{ kind: "nothing", kept: true }]);
  const sync = b.receive(a.syncRecord(0), "");
  expect(sync.ok && sync.value.kind === "sync" && b.synchronise(sync.value)).toEqual({
    ok: true,
    value: [],
  });
  expect(all(b)).toMatchObject([
    { kind: "state", state: "state" },
    { kind: "record", receipt: "receipt" },
  ]);
});

test("an end that another process began says nothing before it knows what was said", () => {
  const b = new ResumeEnd<string>(WINDOW, { received: 0, beyond: [] });
  b.send("I am new here");
  expect([b.mayResume, all(b)]).toEqual([false, []]);
  const a = live();
  for (const text of ["1", "2", "3"]) a.send(text);
  const records = all(a).flatMap((one) => (one.kind === "record" ? [one.bytes] : []));
  // Only the second comes again: the others were dealt with.
  const [, second] = records;
  if (second !== undefined) expect(b.receive(second, "").ok).toBe(true);
  const sync = b.receive(a.syncRecord(9), "");
  if (sync.ok && sync.value.kind === "sync") expect(b.synchronise(sync.value).ok).toBe(true);
  expect(b.mayResume).toBe(true);
  expect(b.received).toBe(1);
  b.finish(2);
  expect(b.received).toBe(3);
  expect(texts(carry(b, a))).toEqual(["I am new here"]);
});

test.each([
  { name: "a message is missing", record: { type: RecordType.text, number: 2, received: 0 } },
  {
    name: "more is confirmed than was said",
    record: { type: RecordType.ack, number: 0, received: 1 },
  },
])("the connection cannot go on when $name", ({ record }) => {
  const read = live().receive(encodeRecord({ ...record, payload: new Uint8Array() }), "");
  expect(read.ok).toBe(false);
});

test("no records, however wrong, make it throw or keep without bound", () => {
  for (let seed = 0; seed < 300; seed += 1) {
    const random = new Random(seed);
    const end = new ResumeEnd<string>(
      WINDOW,
      random.once(2) ? { received: 0, beyond: [] } : undefined,
    );
    if (random.once(2)) end.restart();
    for (let count = 0; count < 100; count += 1) {
      const number = random.once(4) ? random.u32() : random.below(8);
      const received = random.once(8) ? random.u32() : random.below(3);
      const type = random.pick(Object.values(RecordType));
      const payload = random.bytes(random.pick([0, 1, 2, 8, 16]));
      const read = end.receive(encodeRecord({ type, number, received, payload }), "");
      if (read.ok && read.value.kind === "message") end.send("answer", read.value.number);
      if (read.ok && read.value.kind === "sync") end.synchronise(read.value);
      all(end);
    }
    expect(end.bytes).toBeLessThan(100_000);
    expect(end.history.beyond.length).toBeLessThan(200);
  }
});
