import { expect, test } from "vitest";
import { configErrorText } from "../issues/error.ts";
import { ingressOf } from "./ingress-settings.ts";
import type { IngressSettings } from "./ingress.ts";
import { interpret } from "../file/interpret.ts";

function read(hooks: object): { ingress: IngressSettings; warnings: string[] } {
  const text = JSON.stringify({ hooks: { enabled: true, token: "hunter2", ...hooks } });
  const result = interpret(text, "openclaw.json", {});
  if (!result.ok) throw new Error(configErrorText(result.error));
  const { config, warnings } = result.value;
  const made = ingressOf(config, config.hooks.token, () => 1);
  return { ingress: made.ingress, warnings: [...warnings, ...made.warnings] };
}

/** Targets of the mapped routes, by their name. */
function mapped(hooks: object): Record<string, unknown> {
  const routes = read(hooks).ingress.routes.slice(2);
  return Object.fromEntries(routes.map(({ name, cases }) => [name, cases]));
}

function isSource(equals: string): unknown[] {
  return [expect.objectContaining({ path: "source", equals })];
}

test("hooks are two routes that their token opens, and a call may not choose its session", async () => {
  const { ingress, warnings } = read({});
  expect(warnings).toEqual([]);
  const sessions = { fallback: undefined, prefixes: undefined };
  expect(ingress.routes).toMatchObject(
    (["agent", "wake"] as const).map((hook) => ({
      name: hook,
      scheme: "bearer",
      maxBodyBytes: 256 * 1024,
      cases: [{ when: [], target: { kind: "hook", hook, sessions } }],
    })),
  );
  const verification = await ingress.routes[0]?.verification();
  expect(verification).toEqual({ scheme: "bearer", digests: [expect.any(String)] });
  expect(JSON.stringify([ingress, verification])).not.toContain("hunter2");
});

test("sessions that calls may choose have a beginning that says so", () => {
  const { ingress } = read({
    defaultSessionKey: "hook:all",
    allowRequestSessionKey: true,
    allowedSessionKeyPrefixes: ["hook:"],
    maxBodyBytes: 1_000,
  });
  expect(ingress.routes[0]).toMatchObject({
    maxBodyBytes: 1_000,
    cases: [{ target: { sessions: { fallback: "hook:all", prefixes: ["hook:"] } } }],
  });
  expect(() => read({ allowRequestSessionKey: true })).toThrow(
    "hooks.allowedSessionKeyPrefixes: is needed with allowRequestSessionKey",
  );
});

test("mappings of one path are its cases in order, and one without a path is a case of each", () => {
  const cases = mapped({
    mappings: [
      { match: { path: "/ci/", source: "jenkins" }, action: "wake", textTemplate: "built {{id}}" },
      { match: { source: "any" }, name: "Any" },
      { match: { path: "ci" }, messageTemplate: "{{log}}", sessionKey: "hook:ci:{{id}}" },
      { match: { path: "shop" }, channel: "telegram", to: "{{chat}}", deliver: true },
    ],
  });
  const any = { when: isSource("any"), target: expect.objectContaining({ name: "Any" }) };
  expect(cases).toMatchObject({
    ci: [
      { when: isSource("jenkins"), target: { kind: "wake", template: "built {{id}}" } },
      any,
      { when: [], target: { kind: "agent", template: "{{log}}", sessionKey: "hook:ci:{{id}}" } },
    ],
    shop: [any, { target: { kind: "agent", deliver: { channel: "telegram", to: "{{chat}}" } } }],
  });
});

test("the preset for Gmail comes after the mappings, and runs once for each mail", () => {
  const { ingress } = read({ presets: ["gmail"], mappings: [{ match: { path: "gmail" } }] });
  const gmail = ingress.routes.find(({ name }) => name === "gmail");
  expect(gmail?.cases).toMatchObject([
    { forEach: undefined, target: { kind: "agent" } },
    { forEach: "messages", target: { sessionKey: "hook:gmail:{{messages[0].id}}", name: "Gmail" } },
  ]);
  expect(gmail?.maxBodyBytes).toBe(25 * 1024 * 1024);
});

test.each<[string, object, string]>([
  ["a transform", { transform: { module: "./x.mjs" } }, "this version runs no transform"],
  [
    "another agent, which may be there to be less able",
    { agentId: "mail_reader" },
    'there is no agent "mail_reader"',
  ],
  [
    "a path in capitals",
    { match: { path: "GitHub" } },
    "match.path must be one name in lower case",
  ],
  ["a path of two parts", { match: { path: "a/b" } }, "match.path must be one name in lower case"],
  [
    "the path of a direct call",
    { match: { path: "agent" } },
    "agent is answered before any mapping",
  ],
  [
    "a session that the body chooses",
    { sessionKey: "{{session}}" },
    "must begin with text of its own",
  ],
  ["a session of the owner", { sessionKey: "agent:main:{{x}}" }, "must begin with text of its own"],
  [
    "a session outside the allowed",
    { sessionKey: "hook:b:{{x}}" },
    "its sessionKey begins with none of hooks.allowedSessionKeyPrefixes",
  ],
])("a mapping with %s is off, and said to be", (_name, change, reason) => {
  const { ingress, warnings } = read({
    allowedSessionKeyPrefixes: ["hook:a:"],
    mappings: [{ match: { path: "x" }, ...change }],
  });
  expect(ingress.routes.map(({ name }) => name)).toEqual(["agent", "wake"]);
  expect(warnings.at(-1)).toContain("hooks.mappings[0] is off: ");
  expect(warnings.at(-1)).toContain(reason);
});

test("when no agent of ours may be run by webhooks there are none", () => {
  const { ingress, warnings } = read({
    allowedAgentIds: ["reader"],
    mappings: [{ match: { path: "x" } }],
  });
  expect(ingress.routes).toEqual([]);
  expect(warnings).toContain(
    "hooks.allowedAgentIds leaves out main, so nothing can be run by webhooks",
  );
});

test("what is known and not done here is said once, and does no harm", () => {
  const { ingress, warnings } = read({
    transformsDir: "hooks/transforms",
    presets: ["imap"],
    mappings: [
      {
        match: { path: "x" },
        wakeMode: "next-heartbeat",
        model: "m",
        thinking: "low",
        timeoutSeconds: 5,
        allowUnsafeExternalContent: true,
        channel: "last",
      },
    ],
  });
  expect(ingress.routes.map(({ name }) => name)).toEqual(["agent", "wake", "x"]);
  expect(warnings.toSorted()).toEqual([
    "hooks.mappings[0].allowUnsafeExternalContent is known, but not used by this version",
    "hooks.mappings[0].deliver needs channel and to: the answer stays in its session",
    "hooks.mappings[0].model is known, but not used by this version",
    "hooks.mappings[0].thinking is known, but not used by this version",
    "hooks.mappings[0].timeoutSeconds is known, but not used by this version",
    "hooks.mappings[0].wakeMode: there is no heartbeat, so it wakes at once",
    "hooks.presets[0] is not known to this version",
    "hooks.transformsDir is known, but not used by this version",
  ]);
});

test("a key of a mapping that nobody knows is a typo", () => {
  expect(() => read({ mappings: [{ messageTemplat: "x" }] })).toThrow(
    'hooks.mappings[0].messageTemplat: is not a setting; did you mean "messageTemplate"?',
  );
});
