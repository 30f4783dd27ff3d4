import { describe, expect, test } from "vitest";
import { noTools, received } from "../../../test/support/received-webhook.ts";
import { ok } from "../../result.ts";
import type { Claims, JwtDemand } from "../scheme.ts";
import { teams } from "./teams.ts";

const settings = { scheme: "teams" as const, appIds: ["old-app", "new-app"] };
const SERVICE_URL = "https://smba.trafficmanager.net/emea/";
const activity = {
  type: "message",
  id: "1485983408511",
  channelId: "msteams",
  serviceUrl: SERVICE_URL,
  conversation: { id: "a:1kPFMw" },
};
const TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJl";
const claims = { iss: "https://api.botframework.com", aud: "new-app", serviceurl: SERVICE_URL };

/** The claims of a token that is genuine, and what was asked of it. */
async function verify(body: unknown, given: Claims = claims, own = settings) {
  const demands: JwtDemand[] = [];
  const webhook = received({ headers: { Authorization: `Bearer ${TOKEN}` }, body, now: 7 });
  const result = await teams.verify(own, webhook, {
    jwt: async (demand) => {
      demands.push(demand);
      return ok(given);
    },
  });
  return { result, demand: demands[0] };
}

describe("what is asked of the token", () => {
  test("Microsoft's keys and issuer, our apps, five minutes between clocks", async () => {
    const { demand } = await verify(activity);
    expect(demand).toMatchObject({
      token: TOKEN,
      keys: {
        kind: "openid",
        url: "https://login.botframework.com/v1/.well-known/openidconfiguration",
      },
      issuers: ["https://api.botframework.com"],
      audiences: ["old-app", "new-app"],
      clockTolerance: 300,
      now: 7,
    });
  });

  test("another cloud has its own", async () => {
    const cloud = {
      ...settings,
      openIdUrl: "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
      issuer: "https://api.botframework.us",
    };
    const { demand } = await verify(activity, claims, cloud);
    expect(demand).toMatchObject({ keys: { url: cloud.openIdUrl }, issuers: [cloud.issuer] });
  });

  test.each([
    ["its channel among others", { endorsements: ["webchat", "msteams"] }, activity, true],
    ["other channels", { endorsements: ["webchat"] }, activity, false],
    ["a text that holds it", { endorsements: "msteams" }, activity, false],
    ["no endorsements", {}, activity, false],
    ["any channel for one without", { endorsements: [undefined] }, { type: "message" }, false],
    ["any channel for no activity", { endorsements: ["msteams"] }, "", false],
  ])("the key must speak for the channel: %s", async (_name, jwk, body, accepts) => {
    const { demand } = await verify(body);
    expect(demand?.acceptsKey?.(jwk)).toBe(accepts);
  });
});

test.each([
  ["made for the second app", claims, activity, { ok: true, value: { secret: 1 } }],
  [
    "made for several",
    { ...claims, aud: ["x", "old-app"] },
    activity,
    { ok: true, value: { secret: 0 } },
  ],
  [
    "for another service",
    { ...claims, serviceurl: "https://evil.example/" },
    activity,
    { ok: false },
  ],
  ["for no service", { ...claims, serviceurl: undefined }, activity, { ok: false }],
  [
    "with a body for another",
    claims,
    { ...activity, serviceUrl: "https://evil.example/" },
    { ok: false },
  ],
  ["with a body for none", claims, { ...activity, serviceUrl: undefined }, { ok: false }],
  [
    "with a slash less",
    claims,
    { ...activity, serviceUrl: SERVICE_URL.slice(0, -1) },
    { ok: false },
  ],
  ["with no activity", claims, "{", { ok: false }],
  ["with neither", { ...claims, serviceurl: undefined }, { type: "message" }, { ok: false }],
])("a genuine token %s", async (_name, given, body, expected) => {
  const { result } = await verify(body, given);
  expect(result).toMatchObject(expected);
});

test.each([
  ["nothing", undefined, "missing_header"],
  ["another scheme", `Basic ${TOKEN}`, "bad_format"],
  ["two parts", "Bearer a.b", "bad_format"],
  ["four parts", "Bearer a.b.c.d", "bad_format"],
  ["no signature", "Bearer eyJhbGciOiJub25lIn0.e30.", "bad_format"],
  ["no base64", "Bearer a.b.c$", "bad_format"],
  ["a space in it", "Bearer a.b .c", "bad_format"],
  ["nothing behind it", "Bearer", "bad_format"],
  ["more than a token has", `Bearer a.${"b".repeat(16_384)}.c`, "bad_format"],
])("%s instead of a token is refused before anybody is asked", async (_name, value, reason) => {
  const headers = new Headers(value === undefined ? [] : [["Authorization", value]]);
  const refused = { ok: false, error: { reason } };
  expect(await teams.screen(settings, headers, 0)).toMatchObject(refused);
  expect(
    await teams.verify(settings, received({ headers, body: activity }), noTools),
  ).toMatchObject(refused);
});

test.each([
  ["an activity", activity, { id: "r:a:1kPFMw:1485983408511", lane: "r:a:1kPFMw" }],
  ["one without a conversation", { type: "event", id: "7" }, { id: "r::7", lane: "r" }],
  [
    "one without an id",
    { ...activity, id: undefined },
    { id: expect.stringMatching(/^r:[\w-]{43}$/), lane: "r:a:1kPFMw" },
  ],
])("%s is named", async (_name, body, item) => {
  expect(await teams.identify(settings, received({ body }))).toEqual({ ok: true, value: [item] });
});

test.each([
  ["a message", activity, ""],
  ["an invoke", { ...activity, type: "invoke", name: "task/fetch" }, "{}"],
  [
    "one that waits for replies",
    { ...activity, deliveryMode: "expectReplies" },
    '{"activities":[]}',
  ],
])("%s is answered with 200", async (_name, body, text) => {
  const response = teams.accepted(received({ body }), []);
  expect(response.status).toBe(200);
  expect(await response.text()).toBe(text);
});
