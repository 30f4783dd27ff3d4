import { expect, test } from "vitest";
import { maxBodyBytesOf } from "../../shared/ingress/registry.ts";
import { IngressRoute, OutageAlert } from "../../shared/ingress/route.ts";
import type { AlertRequest } from "../channels/channel.ts";
import type { AlertRule } from "../config/ingress/ingress.ts";
import { ingressOf } from "../config/ingress/ingress-settings.ts";
import { interpret } from "../config/file/interpret.ts";
import { outageAlert, publishedRoutes } from "./publish.ts";

async function published(routes: object): Promise<IngressRoute[]> {
  const text = JSON.stringify({
    hooks: { enabled: true, token: "hunter2-hooks" },
    sallyport: { ingress: { routes } },
  });
  const result = interpret(text, "openclaw.json", {});
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  const { config } = result.value;
  const made = await publishedRoutes(
    ingressOf(config, config.hooks.token, maxBodyBytesOf).ingress.routes,
  );
  return made.map((route) => IngressRoute.parse(route));
}

test("the edge is told what it needs to turn strangers away, and what is not set is not said", async () => {
  const routes = await published({
    plain: { verify: "github", secret: "s", agent: {} },
    full: {
      verify: { scheme: "stripe", toleranceSeconds: 60 },
      secrets: ["new", "old"],
      agent: {},
      mode: "sync",
      sync: { deadlineMs: 2_000, fallback: { body: "later" } },
      methods: ["POST", "PUT"],
      contentTypes: ["Application/JSON"],
      allow: { cidrs: ["192.0.2.0/24"], countries: ["de"] },
      rate: { perSecond: 5, burst: 10 },
      dedupe: "body",
      laneHeader: "X-Lane",
      maxBodyBytes: 1_000,
    },
  });
  expect(routes.slice(2)).toEqual([
    {
      name: "plain",
      verification: { scheme: "github", secrets: ["s"] },
      maxBodyBytes: 25 * 1024 * 1024,
      mode: "express",
      methods: ["POST"],
      dedupe: "id",
    },
    {
      name: "full",
      verification: { scheme: "stripe", secrets: ["new", "old"], toleranceSeconds: 60 },
      maxBodyBytes: 1_000,
      mode: "sync",
      sync: {
        deadlineMs: 2_000,
        fallback: { status: 200, contentType: "text/plain; charset=utf-8", body: "later" },
      },
      methods: ["POST", "PUT"],
      contentTypes: ["application/json"],
      admission: { cidrs: ["192.0.2.0/24"], countries: ["DE"] },
      rate: { perSecond: 5, burst: 10 },
      dedupe: "body",
      laneHeader: "x-lane",
    },
  ]);
});

test("of a token the edge gets the digest, and of what the core checks nothing at all", async () => {
  const routes = await published({
    token: { verify: "bearer", secret: "hunter2-token", agent: {} },
    inside: { verify: "github", secret: "hunter2-inside", agent: {}, verifyAt: "core" },
  });
  expect(routes.map(({ name, verification: { scheme } }) => [name, scheme])).toEqual([
    ["agent", "bearer"],
    ["wake", "bearer"],
    ["token", "bearer"],
    ["inside", "core"],
  ]);
  expect(JSON.stringify(routes)).not.toContain("hunter2");
});

const TO = { channel: "telegram", to: "42" };
const RULES: AlertRule[] = [
  { when: "dead_letters", to: TO },
  { when: "core_unreachable", afterMs: 300_000, to: TO },
];

/** A channel that notes what it was asked. */
function channel(asked: string[]) {
  return {
    async alertRequest(conversation: string, text: string): Promise<AlertRequest | undefined> {
      asked.push(conversation, text);
      const headers = new Map([["content-type", "application/json"]]);
      return { url: "https://api.example.com/send", headers, body: "{}" };
    },
  };
}

test("an alert is a whole request of the channel that the rule names", async () => {
  const asked: string[] = [];
  const alert = await outageAlert(RULES, (id) => (id === "telegram" ? channel(asked) : undefined));
  expect(OutageAlert.parse(alert)).toEqual({
    afterMs: 300_000,
    url: "https://api.example.com/send",
    headers: [["content-type", "application/json"]],
    body: "{}",
  });
  expect(asked).toEqual(["42", expect.stringContaining("has not been there for 5 min")]);
});

test("there is no alert when no rule asks for one, or its channel is not there", async () => {
  expect(await outageAlert(RULES.slice(0, 1), () => channel([]))).toBeUndefined();
  expect(await outageAlert(RULES, () => undefined)).toBeUndefined();
});
