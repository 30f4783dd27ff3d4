import { expect, test } from "vitest";
import { refusal, webhookConfig } from "../../../test/support/webhook-config.ts";

const GITHUB = { verify: "github", secret: "s", agent: {} };

const KEY = "ab".repeat(32);

const TO = { channel: "telegram", to: "42" };

test.each<[string, object, string]>([
  [
    "a variable in small letters",
    { verify: "github", secret: "${my_secret}", agent: {} },
    "routes.r.secret: is the name of a variable and not its value",
  ],
  [
    "no secret",
    { verify: "stripe", agent: {} },
    'routes.r.secret: is needed: what stripe signs with, best as "${NAME}" of a variable',
  ],
  [
    "no public key",
    { verify: "discord", agent: {} },
    "routes.r.verify.publicKeys: is needed: 64 hex digits, as the developer portal shows it",
  ],
  [
    "a secret where there is none",
    { verify: { scheme: "discord", publicKeys: KEY }, secret: "s", agent: {} },
    "routes.r.secret: has no use for discord, which is checked by verify.publicKeys",
  ],
  [
    "a secret that cannot be decoded",
    { verify: "adyen", secret: "no-hex", agent: {} },
    "routes.r.secret: cannot work: an HMAC key must be hexadecimal",
  ],
  [
    "a public key that is none",
    { verify: { scheme: "sendgrid", publicKeys: "n o" }, agent: {} },
    "routes.r.verify.publicKeys: cannot work: a verification key must be base64",
  ],
  [
    "a template that leaves the body out",
    { verify: { scheme: "hmac", header: "x-sig", signed: "{url}" }, secret: "s", agent: {} },
    "routes.r.verify: cannot work: what is signed must hold {body}",
  ],
  [
    "an unknown scheme",
    { verify: "githb", secret: "s", agent: {} },
    'routes.r.verify.scheme: is no way to verify a webhook; did you mean "github"?',
  ],
  [
    "the scheme that is none",
    { verify: "core", secret: "s", agent: {} },
    "routes.r.verify.scheme: is no way to verify a webhook; one of bearer",
  ],
  [
    "a setting of no scheme",
    { verify: { scheme: "stripe", tolerenceSeconds: 3 }, secret: "s", agent: {} },
    'routes.r.verify.tolerenceSeconds: is not a setting of stripe; did you mean "toleranceSeconds"?',
  ],
  [
    "a secret in the wrong place",
    { verify: { scheme: "github", secret: "s" }, secret: "s", agent: {} },
    'routes.r.verify.secret: belongs beside "verify", as secret or secrets',
  ],
  [
    "a key that is none",
    { verify: { scheme: "discord", publicKeys: "zz" }, agent: {} },
    "routes.r.verify.publicKeys[0]: must be 64 hex digits, as the developer portal shows it",
  ],
  [
    "five secrets",
    { verify: "github", secrets: ["1", "2", "3", "4", "5"], agent: {} },
    "routes.r.secrets: must have at most 4 entries",
  ],
  [
    "no target",
    { verify: "github", secret: "s" },
    "routes.r: needs exactly one of agent, wake, channel, forward or cases; it has 0",
  ],
  [
    "two targets",
    { ...GITHUB, wake: {} },
    "routes.r: needs exactly one of agent, wake, channel, forward or cases; it has 2",
  ],
  [
    "a case without a target",
    { verify: "github", secret: "s", cases: [{ when: [] }] },
    "routes.r.cases[0]: needs exactly one of agent, wake, channel or forward; it has 0",
  ],
  [
    "a channel nobody knows",
    { verify: "github", secret: "s", channel: "telegrm" },
    'routes.r.channel: is not a channel; did you mean "telegram"?',
  ],
  [
    "an answer to nowhere",
    { ...GITHUB, agent: { deliver: { channel: "slack", to: "C1" } } },
    "routes.r.agent.deliver.channel: is not a channel; there is telegram",
  ],
  [
    "an answer to a sender that leaves no way",
    { ...GITHUB, agent: { deliver: "sender" } },
    'routes.r.agent.deliver: cannot be "sender": webhooks of github leave no way to answer later',
  ],
  [
    "the same in a case",
    { verify: "github", secret: "s", cases: [{ wake: { deliver: "sender" } }] },
    'routes.r.cases[0].wake.deliver: cannot be "sender"',
  ],
  [
    "an answer to a place that is none",
    { verify: "slack", secret: "s", agent: { deliver: "slack" } },
    'routes.r.agent.deliver: must be { "channel": …, "to": … }, "sender" or "none"',
  ],
  [
    "a forward to a file",
    { verify: "github", secret: "s", forward: { url: "file:///etc/passwd" } },
    "routes.r.forward.url: must be an http:// or https:// address",
  ],
  [
    "a mask too long",
    { ...GITHUB, allow: { cidrs: ["192.0.2.0/33"] } },
    "routes.r.allow.cidrs[0]: must be an address or a block",
  ],
  [
    "an address that is none",
    { ...GITHUB, allow: { cidrs: ["::1", "1.2.3"] } },
    "routes.r.allow.cidrs[1]: must be an address or a block",
  ],
  [
    "a country of three letters",
    { ...GITHUB, allow: { countries: ["DEU"] } },
    "routes.r.allow.countries[0]: must be a country of two letters",
  ],
  [
    "both lists of countries",
    { ...GITHUB, allow: { countries: ["DE"], blockedCountries: ["FR"] } },
    "routes.r.allow.blockedCountries: is of no use beside countries",
  ],
  [
    "public keys kept from the edge",
    { verify: { scheme: "discord", publicKeys: KEY }, agent: {}, verifyAt: "core" },
    'routes.r.verifyAt: must be "edge": to check discord the edge needs no secret',
  ],
  [
    "a wait for what only the core can check",
    { ...GITHUB, verifyAt: "core", mode: "sync" },
    'routes.r.mode: must not be "sync" with verifyAt "core"',
  ],
  [
    "a deadline without a wait",
    { ...GITHUB, sync: { deadlineMs: 1_000 } },
    'routes.r.sync: is for mode "sync" only',
  ],
  [
    "a session anybody could choose",
    { ...GITHUB, agent: { sessionKey: "{{session}}" } },
    'routes.r.agent.sessionKey: must begin like "hook:github:"',
  ],
  [
    "the owner's session",
    { ...GITHUB, agent: { sessionKey: "agent:main:main" } },
    'routes.r.agent.sessionKey: must begin like "hook:github:"',
  ],
  [
    "a condition on nothing",
    { ...GITHUB, when: { equals: 1 } },
    "routes.r.when[0]: needs path or header, and not both",
  ],
  [
    "a condition without a test",
    { ...GITHUB, when: { path: "a" } },
    "routes.r.when[0]: needs equals, oneOf, matches or exists",
  ],
  [
    "an expression that is none",
    { ...GITHUB, when: { path: "a", matches: "(" } },
    "routes.r.when[0].matches: is no regular expression",
  ],
  [
    "a path that is none",
    { ...GITHUB, when: { path: "a..b", exists: true } },
    "routes.r.when[0].path: must be a path like",
  ],
  [
    "a body larger than any",
    { ...GITHUB, maxBodyBytes: 1e9 },
    "routes.r.maxBodyBytes: must be at most",
  ],
  [
    "a typo",
    { ...GITHUB, dedup: "id" },
    'routes.r.dedup: is not a setting; did you mean "dedupe"?',
  ],
])("%s is refused with path and remedy", (_name, route, message) => {
  expect(refusal(webhookConfig({ r: route }))).toContain(message);
});

test.each([
  ["agent", "is the name of hooks' own /hooks/agent: choose another"],
  ["telegram", "is the route of the channel telegram: choose another"],
  ["Big", "is no name for a webhook"],
  ["a/b", "is no name for a webhook"],
])("a route cannot be called %s", (name, message) => {
  expect(refusal(webhookConfig({ [name]: GITHUB }))).toContain(message);
});

test("a name cannot be that of a mapping as well", () => {
  const top = { hooks: { enabled: true, token: "t", mappings: [{ match: { path: "github" } }] } };
  expect(refusal(webhookConfig({ github: GITHUB }, { top }))).toContain(
    "routes.github: is the path of a mapping in hooks as well",
  );
});

test.each<[string, object[], string]>([
  [
    "no such webhook",
    [{ when: "source_silent", route: "rr", after: "6h", to: TO }],
    'alerts[0].route: names no webhook; did you mean "r"?',
  ],
  [
    "no such channel",
    [{ when: "core_unreachable", to: { channel: "mail", to: "x" } }],
    "alerts[0].to.channel: is not a channel; there is telegram",
  ],
  [
    "a time without a unit",
    [{ when: "core_unreachable", after: "6", to: TO }],
    "alerts[0].after: must be a time span like",
  ],
  [
    "a time too short",
    [{ when: "core_unreachable", after: "1s", to: TO }],
    "alerts[0].after: must be from 10s to 1d",
  ],
  [
    "two of what the edge sends",
    [
      { when: "core_unreachable", to: TO },
      { when: "core_unreachable", to: TO },
    ],
    "alerts[1]: is there already, at [0]",
  ],
])("an alert with %s is refused", (_name, alerts, message) => {
  expect(refusal(webhookConfig({ r: GITHUB }, { alerts }))).toContain(message);
});

test.each([
  [32 * 1024 * 1024 - 1, "log.maxBytes: must be at least 33554432 (32 MiB)"],
  [32 * 1024 * 1024, "accepted"],
])("a log of %i bytes must hold the longest webhook", (maxBytes, said) => {
  const text = JSON.stringify({ sallyport: { ingress: { log: { maxBytes } } } });
  expect(refusal(text)).toContain(said);
});

test.each<[object, string]>([
  [
    { slack: { origins: ["https://hooks.slack.com/x"] } },
    "origins[0]: must be like https://hooks.",
  ],
  [{ slack: { origins: ["ftp://hooks.slack.com"] } }, "origins[0]: must be an http:// or https://"],
  [{ slack: { origins: [] } }, "senders.slack.origins: must not be empty"],
  [{ discord: { apiRoot: "https://u:p@x" } }, "senders.discord.apiRoot: must be an http:// or"],
  [{ slack: { origins: ["https://hooks.slack-gov.com/"] } }, "accepted"],
])("where senders are answered, %j, is looked at", (senders, said) => {
  expect(refusal(JSON.stringify({ sallyport: { ingress: { senders } } }))).toContain(said);
});

test("a channel that is not set up cannot be told anything", () => {
  const alerts = [{ when: "core_unreachable", to: TO }];
  expect(refusal(webhookConfig({}, { alerts, top: { channels: {} } }))).toContain(
    "alerts[0].to.channel: is a channel that is not set up: add channels.telegram",
  );
});
