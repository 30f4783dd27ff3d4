import { expect, test } from "vitest";
import { GatewayError } from "../shared/errors.ts";
import { Secret } from "../shared/secret.ts";
import { cleanText, createLog, loggedError, setLogLevel } from "./log.ts";

function lines(write: (log: ReturnType<typeof createLog>) => void): string[] {
  const written: string[] = [];
  write(createLog("info", { write: (text: string) => written.push(text) }));
  return written;
}

function line(write: (log: ReturnType<typeof createLog>) => void): Record<string, unknown> {
  return JSON.parse(lines(write)[0] ?? "null");
}

test("a line is one JSON object with level, time, facts and a sentence", () => {
  const logged = line((log) => log.child({ part: "tunnel" }).info({ durationMs: 5 }, "connected"));
  expect(logged).toEqual({
    level: "info",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.+Z$/),
    part: "tunnel",
    durationMs: 5,
    msg: "connected",
  });
});

test("a new level counts for every part, whenever it was made", () => {
  const written = lines((log) => {
    const part = log.child({ part: "tunnel" });
    const inner = part.child({ relay: "primary" });
    setLogLevel(log, "debug");
    part.debug("one");
    inner.debug("two");
    log.child({ part: "http" }).debug("three");
    setLogLevel(log, "error");
    inner.info("four");
  });
  expect(written.map((text) => /"msg":"(\w+)"/.exec(text)?.[1])).toEqual(["one", "two", "three"]);
});

test("what is below the level is not written", () => {
  expect(lines((log) => log.debug("details"))).toEqual([]);
});

test.each([
  ["at the top", { token: "hunter2" }],
  ["in headers", { headers: { authorization: "Bearer hunter2", cookie: "a=hunter2" } }],
  ["deeper", { request: { headers: { Authorization: "Bearer hunter2", "x-api-key": "hunter2" } } }],
  ["of a webhook", { headers: { "x-telegram-bot-api-secret-token": "hunter2" } }],
  ["in settings", { telegram: { botToken: "hunter2" }, edge: { pairing: "hunter2" } }],
  ["in any spelling", { headers: { "X-OpenClaw-Token": "hunter2", AUTHORIZATION: "hunter2" } }],
  ["in a list", { peers: [{ token: "hunter2" }, { headers: { "Set-Cookie": ["hunter2"] } }] }],
  ["without a prototype", { headers: Object.assign(Object.create(null), { cookie: "hunter2" }) }],
  ["as a Secret", { whatever: new Secret("hunter2") }],
])("a credential %s is not written", (_name, facts) => {
  const text = lines((log) => log.info(facts, "x")).join("");
  expect(text).toContain("[secret]");
  expect(text).not.toContain("hunter2");
});

test("a credential in the facts of a part is not written", () => {
  const text = lines((log) => log.child({ token: "hunter2", part: "x" }).info("x")).join("");
  expect(text).toContain('"token":"[secret]"');
});

test("what is nested too deeply to be looked through is left out", () => {
  const logged = line((log) => log.info({ a: { b: { c: { d: { token: "hunter2" } } } } }, "x"));
  expect(logged["a"]).toEqual({ b: { c: { d: "[nested]" } } });
});

test("facts that only look like credentials are written", () => {
  const logged = line((log) => log.info({ tokens: 5, secrets: 1, ids: ["a"], none: null }, "x"));
  expect(logged).toMatchObject({ tokens: 5, secrets: 1, ids: ["a"], none: null });
});

test("an error is written with its code and places, and nothing else it carries", () => {
  const cause = Object.assign(new Error("401 from upstream"), {
    status: 401,
    headers: { authorization: "Bearer hunter2" },
    error: { prompt: "hunter2" },
  });
  const error = new GatewayError("model_unauthorized", "The key was refused", { cause });
  const logged = line((log) => log.error({ err: error }, "turn failed"));
  expect(logged["err"]).toMatchObject({
    type: "GatewayError",
    code: "model_unauthorized",
    message: "The key was refused",
    cause: { type: "Error", message: "401 from upstream" },
  });
  expect(JSON.stringify(logged)).not.toContain("hunter2");
  expect(JSON.stringify(logged)).toContain("log.test.ts");
});

test("causes end, even when they go round", () => {
  const first = new Error("first");
  const second = new Error("second", { cause: first });
  first.cause = second;
  const { cause } = loggedError(first);
  expect(cause).toMatchObject({ message: "second", cause: { message: "first" } });
  expect(cause?.cause?.cause).toBeUndefined();
});

test.each([["text"], [undefined], [null], [{ secret: "hunter2" }], [42]])(
  "a thrown %o is no error and is not shown",
  (thrown) => {
    expect(loggedError(thrown)).toEqual({ type: typeof thrown, message: "not an error object" });
  },
);

test("the message of an error is cut, and its stack does not repeat it", () => {
  const { message, stack } = loggedError(new Error(`${"x".repeat(100_000)}\n    at hunter2`));
  expect(message).toHaveLength(500);
  expect(stack?.length).toBeGreaterThan(0);
  expect(JSON.stringify(stack)).not.toMatch(/xxx|hunter2/);
});

test.each([
  ["plain text", "plain text"],
  ["forged\nline", "forged\uFFFDline"],
  ["\u001b[31mred\u0007", "\uFFFD[31mred\uFFFD"],
  ["back\u202ewards\u2066", "back\uFFFDwards\uFFFD"],
  ["a\u2028b\u2029c\u0085d", "a\uFFFDb\uFFFDc\uFFFDd"],
  ["half \ud83c of a pair", "half \uFFFD of a pair"],
  ["whole 🏰", "whole 🏰"],
  ["", ""],
])("%j is cleaned to %j", (text, expected) => {
  expect(cleanText(text)).toBe(expected);
});

test("cleaned text has at most its length, and is never cut inside a character", () => {
  expect(cleanText("x".repeat(200))).toHaveLength(200);
  expect(cleanText("x".repeat(201))).toBe(`${"x".repeat(199)}…`);
  for (let length = 1; length < 12; length += 1) {
    const clean = cleanText("🏰".repeat(20), length);
    expect(clean.length).toBeLessThanOrEqual(length);
    expect(clean.isWellFormed()).toBe(true);
  }
});
