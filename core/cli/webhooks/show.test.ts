import { expect, test } from "vitest";
import type { WebhookDetails } from "../../webhooks/methods/answers.ts";
import { answeredText, describe } from "./show.ts";

const SAID = { id: "github:1", sessionKey: "agent:main:x", text: "All is well.", truncated: false };
const WEBHOOK: WebhookDetails = {
  id: "github:1",
  seq: 7,
  route: "github",
  state: "done",
  verified: "github",
  requestId: "r",
  receivedAt: 0,
  acceptedAt: 5,
  size: 2,
  items: 1,
  duplicates: 0,
  replayOf: null,
  reason: null,
  method: "POST",
  headers: [["x-a", "b"]],
  query: "",
  body: { preview: "{}", encoding: "utf8", truncated: false },
  lanes: ["github"],
  answer: null,
  said: [SAID],
  replays: [],
  timeline: [
    { at: 0, what: "received", text: "received" },
    { at: 5, what: "accepted", text: "accepted" },
  ],
};

test("what the agent said stands below the timeline, delivered or not", () => {
  const lines = describe(WEBHOOK, { colours: false });
  expect(lines.slice(lines.indexOf("timeline"), lines.indexOf("headers"))).toEqual([
    "timeline",
    "  1970-01-01T00:00:00Z  received",
    "  1970-01-01T00:00:00Z  accepted  +5 ms",
    "  answered: All is well.",
    "",
  ]);
  expect(describe({ ...WEBHOOK, said: [] }, { colours: false }).join()).not.toContain("answered");
});

test.each([
  ["of several events each has its name", "All is well.", "answered github:1: All is well."],
  ["lines become one", "a\n\n  b\r\nc", "answered github:1: a b c"],
  ["nothing moves the cursor", "\u001b[2J\u202Ex", "answered github:1: \uFFFD[2J\uFFFDx"],
  ["300 characters are enough", "x".repeat(301), `answered github:1: ${"x".repeat(300)} …`],
  ["300 characters are all", "x".repeat(300), `answered github:1: ${"x".repeat(300)}`],
])("in an answer that is shown, %s", (_name, text, line) => {
  expect(answeredText({ said: [{ ...SAID, text }, SAID] })[0]).toBe(line);
});
