import { expect, test } from "vitest";
import { webhookConfig, webhooksIn } from "../../../test/support/webhook-config.ts";
import { fromUtf8, utf8 } from "../../../shared/bytes.ts";
import type { Case } from "../../config/ingress/ingress.ts";
import { HookPayload } from "../../conversation/hook.ts";
import { type NamedEvent, planWork } from "./plan.ts";
import { viewOf } from "./view.ts";

const wire = {
  id: "wire",
  read: (body: Uint8Array) => [
    { id: `wire:${fromUtf8(body).length}`, lane: "wire:1", payload: { raw: true } },
  ],
};

function casesOf(route: object): readonly Case[] {
  const config = { github: { verify: "github", secret: "a-secret-of-github", ...route } };
  return webhooksIn(webhookConfig(config)).ingress.routes[0]?.cases ?? [];
}

function plan(cases: readonly Case[], body: unknown, given?: readonly NamedEvent[], suffix = "") {
  const bytes = utf8(JSON.stringify(body));
  const id = "github:d1";
  return planWork({
    id,
    requestId: "r",
    acceptedAt: 5,
    events: given ?? [{ id, lane: "github", value: undefined }],
    view: viewOf({
      route: "github",
      headers: new Headers(),
      query: "",
      receivedAt: 0,
      body: bytes,
    }),
    body: bytes,
    cases,
    channel: (name) => (name === "wire" ? wire : undefined),
    sender: undefined,
    suffix,
  });
}

function events(...values: readonly (readonly [string, unknown])[]): NamedEvent[] {
  return values.map(([id, value]) => ({ id, lane: `lane of ${id}`, value }));
}

test("what an agent is told, and where its answer goes, is made of the body", () => {
  const cases = casesOf({
    agent: {
      name: "CI",
      template: "Look: {{a}}",
      sessionKey: "hook:ci:{{b}}",
      deliver: { channel: "telegram", to: "{{c}}" },
    },
  });
  const { work, ignored } = plan(cases, { a: "x", b: "two words\n", c: 42 });
  expect(ignored).toEqual([]);
  expect(work).toEqual([
    {
      id: "github:d1",
      source: "hook",
      lane: "github",
      receivedAt: 5,
      trace: "r",
      payload: {
        kind: "agent",
        name: "CI",
        message: "{{a}}: x",
        instructions: "Look: {{a}}",
        sessionKey: "hook:ci:two-words-",
        deliver: true,
        channel: "telegram",
        to: "42",
      },
    },
  ]);
  expect(HookPayload.safeParse(work[0]?.payload).success).toBe(true);
});

test.each([
  ["a{{x}}", "gent:main:main", "hook:agent:main:main"],
  ["m{{x}}", "ain", "hook:main"],
  ["ci:{{x}}", "7", "ci:7"],
  ["main", "", "main"],
])("a session named by %j can be no other than the owner meant", (sessionKey, x, expected) => {
  const [work] = plan(casesOf({ agent: { sessionKey } }), { x }).work;
  expect(work?.payload).toMatchObject({ sessionKey: expected });
});

test.each([{}, "", { a: "x".repeat(500_000) }, [], null])(
  "a body like %.40j is still something to be told of",
  (body) => {
    for (const route of [{ agent: true }, { wake: true }, { agent: { template: "{{a}}" } }]) {
      const [work] = plan(casesOf(route), body).work;
      expect(HookPayload.safeParse(work?.payload).success).toBe(true);
    }
  },
);

test("each event is judged and worked on by itself", () => {
  const cases = casesOf({ when: { path: "n", oneOf: [1, 3] }, wake: true });
  const three = events(["a", { n: 1 }], ["b", { n: 2 }], ["c", { n: 3 }]);
  const { work, ignored } = plan(cases, {}, three);
  expect(work.map(({ id, lane }) => [id, lane])).toEqual([
    ["a", "lane of a"],
    ["c", "lane of c"],
  ]);
  expect(work[1]?.payload).toMatchObject({ kind: "wake", text: '{"n":3}' });
  expect(ignored).toEqual(["b"]);
});

test("a server gets a body once, for all its events that are for it", () => {
  const cases = casesOf({
    cases: [
      { when: { path: "to", equals: 1 }, forward: { url: "http://one.example/" } },
      { when: { path: "to", equals: 2 }, forward: { url: "http://two.example/" } },
    ],
  });
  const four = events(["a", { to: 1 }], ["b", { to: 2 }], ["c", { to: 1 }], ["d", { to: 3 }]);
  const { work, ignored } = plan(cases, {}, four);
  expect(work.map(({ id, lane, events: about }) => ({ id, lane, about }))).toEqual([
    { id: "github:d1", lane: "lane of a", about: ["a", "c"] },
    { id: "github:d1>1", lane: "lane of b", about: ["b"] },
  ]);
  expect(work[0]?.payload).toEqual({
    webhook: "github:d1",
    route: "github",
    url: "http://one.example/",
  });
  expect(ignored).toEqual(["d"]);
});

test("the one event of a forwarded webhook is known by the id of its work", () => {
  const cases = casesOf({ forward: { url: "http://one.example/" } });
  expect(plan(cases, {}).work).toMatchObject([{ id: "github:d1", events: [] }]);
});

test("a channel reads the whole body, or what of it one event is; a replay has ids of its own", () => {
  const channel = { kind: "channel", channel: "wire" } as const;
  const cases = [{ when: [], forEach: undefined, target: channel }];
  expect(plan(cases, { a: 1 }).work).toMatchObject([
    { id: "wire:7", source: "wire", lane: "wire:1", payload: { raw: true } },
  ]);
  expect(plan(cases, { a: 1 }, events(["x", [1, 2]])).work).toMatchObject([{ id: "wire:5" }]);
  expect(plan(cases, { a: 1 }, undefined, "#1").work).toMatchObject([{ id: "wire:7#1" }]);
  const nowhere = [
    { ...cases[0], when: [], forEach: undefined, target: { ...channel, channel: "no" } },
  ];
  expect(() => plan(nowhere, {})).toThrow(expect.objectContaining({ code: "not_found" }));
});

test("each element of a list is a turn of its own, which sees no other", () => {
  const [one] = casesOf({ agent: { template: "{{m[0].id}} of {{top}}" } });
  if (one === undefined) throw new Error("no case");
  const cases = [{ ...one, forEach: "m" }];
  const { work } = plan(cases, { m: [{ id: 1 }, { id: 2 }], top: "t" });
  expect(work.map(({ id, payload }) => [id, payload])).toMatchObject([
    ["github:d1", { message: "{{m[0].id}}: 1\n{{top}}: t" }],
    ["github:d1/1", { message: "{{m[0].id}}: 2\n{{top}}: t" }],
  ]);
  expect(plan(cases, { m: [] })).toEqual({ work: [], ignored: ["github:d1"] });
  expect(plan(cases, { m: "no list" }).work).toHaveLength(1);
  const many = { m: Array.from({ length: 257 }, () => 1) };
  expect(() => plan(cases, many)).toThrow(expect.objectContaining({ code: "invalid_request" }));
});
