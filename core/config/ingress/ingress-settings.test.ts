import { expect, test } from "vitest";
import { onlyRoute, webhookConfig, webhooksIn } from "../../../test/support/webhook-config.ts";

const TO = { channel: "telegram", to: "42" };
const GITHUB = { verify: "github", secret: "s", agent: {} };

test("a route needs its sender, its secret and what it sets off, and has a default for the rest", async () => {
  const route = onlyRoute({ github: GITHUB });
  expect(route).toMatchObject({
    name: "github",
    scheme: "github",
    verifyAt: "edge",
    mode: "express",
    sync: undefined,
    methods: ["POST"],
    contentTypes: undefined,
    admission: undefined,
    rate: undefined,
    dedupe: "id",
    laneHeader: undefined,
    maxBodyBytes: 25 * 1024 * 1024,
    cases: [{ when: [], target: { kind: "agent", template: undefined, deliver: undefined } }],
  });
  expect(await route.verification()).toEqual({ scheme: "github", secrets: ["s"] });
  expect(webhooksIn("{}").ingress).toEqual({
    path: "/hooks",
    routes: [],
    log: { days: 14, maxBytes: 512 * 1024 * 1024 },
    alerts: [],
    senders: {
      slackOrigins: ["https://hooks.slack.com"],
      discordApi: "https://discord.com/api/v10",
    },
  });
});

test("a route whose only variable is not set is off, whatever its name; the others go on", () => {
  const { ingress, warnings } = webhooksIn(
    webhookConfig({
      "my.app": { verify: "github", secret: "${UNSET}", agent: {} },
      keys: { verify: { scheme: "discord", publicKeys: "${UNSET}" }, agent: {} },
      on: GITHUB,
    }),
  );
  expect(ingress.routes.map(({ name }) => name)).toEqual(["on"]);
  expect(warnings).toContain(
    'sallyport.ingress.routes."my.app" is off: without that there is nothing to check its sender by',
  );
});

test("conditions of a route hold for each of its cases", () => {
  const { cases } = onlyRoute({
    r: {
      verify: "github",
      secret: "s",
      when: { header: "X-GitHub-Event", oneOf: ["push", "ping"] },
      cases: [
        { when: { path: "$.repository.name", matches: "^core" }, wake: { template: "{{ref}}" } },
        {
          forEach: "commits",
          forward: { url: "http://127.0.0.1:3000/x", headers: { "X-A": "b c" } },
        },
      ],
    },
  });
  const first = { header: "x-github-event", oneOf: ["push", "ping"], not: false };
  expect(cases).toMatchObject([
    { when: [first, { path: "$.repository.name", matches: /^core/u }], target: { kind: "wake" } },
    { when: [first], forEach: "commits", target: { kind: "forward", timeoutMs: 30_000 } },
  ]);
});

test.each<[string, unknown, unknown]>([
  ["slack", undefined, "sender"],
  ["discord", undefined, "sender"],
  ["slack", "none", undefined],
  ["slack", TO, TO],
  ["github", undefined, undefined],
  ["github", "none", undefined],
])("an agent that answers %s, told %j, answers to %j", (scheme, deliver, expected) => {
  const verify = scheme === "discord" ? { scheme, publicKeys: "ab".repeat(32) } : scheme;
  const secret = scheme === "discord" ? {} : { secret: "s" };
  for (const agent of [{ deliver }, ...(deliver === undefined ? [true] : [])]) {
    const { cases } = onlyRoute({ r: { verify, ...secret, agent } });
    expect(cases[0]?.target).toMatchObject({ kind: "agent", deliver: expected });
  }
});

test("waking the owner's session answers nobody who is not named", () => {
  for (const deliver of [undefined, "sender"]) {
    const { cases } = onlyRoute({ r: { verify: "slack", secret: "s", wake: { deliver } } });
    expect(cases[0]?.target).toMatchObject({ kind: "wake", deliver });
  }
});

test.each([
  ["slack", 2_500],
  ["twilio", 12_000],
  ["bearer", 8_000],
])("a sender of %s that waits is answered in time", (verify, deadlineMs) => {
  const route = onlyRoute({ r: { verify, secret: "s", agent: true, mode: "sync" } });
  expect(route.sync).toEqual({ deadlineMs, fallback: undefined });
});

test("to let a sender wait that reads no answer is worth a warning", () => {
  const { warnings } = webhooksIn(webhookConfig({ r: { ...GITHUB, mode: "sync" } }));
  expect(warnings).toEqual([
    "sallyport.ingress.routes.r.mode: github waits in vain, it reads no answer",
  ]);
});

test.each<[string, object, string[]]>([
  [
    "it cannot register is worth a warning",
    {},
    [
      "sallyport.ingress.routes.r.verify.verifyTokens is needed before Meta can register the address: the text you type in beside it",
    ],
  ],
  ["it can register is not", { verifyTokens: "v" }, []],
])("a route of Meta that %s", (_name, more, warnings) => {
  const route = { verify: { scheme: "meta", ...more }, secret: "s", agent: true };
  expect(webhooksIn(webhookConfig({ r: route })).warnings).toEqual(warnings);
});

test("alerts have their times in milliseconds", () => {
  const alerts = [
    { when: "source_silent", route: "r", after: "6h", to: TO },
    { when: "signature_failures", count: 5, within: "90s", to: TO },
    { when: "core_unreachable", to: TO },
  ];
  expect(webhooksIn(webhookConfig({ r: GITHUB }, { alerts })).ingress.alerts).toEqual([
    { when: "source_silent", route: "r", afterMs: 21_600_000, to: TO },
    { when: "signature_failures", route: undefined, count: 5, withinMs: 90_000, to: TO },
    { when: "core_unreachable", afterMs: 300_000, to: TO },
  ]);
});

test("a route of the upstream needs no target, and is none of the gateway's", () => {
  const routes = { github: { verify: "github", secret: "s" } };
  const made = webhooksIn(
    JSON.stringify({ sallyport: { ingress: { routes }, upstream: { webhooks: ["github"] } } }),
  );
  expect(made.ingress.routes).toEqual([]);
  expect(made.upstreamRoutes.map(({ name, scheme }) => [name, scheme])).toEqual([
    ["github", "github"],
  ]);
});
