/** Webhooks without what events are named by, several events in one, and the answers. */
import { expect, test } from "vitest";
import { namesOf, received, schemeFor } from "../../test/support/webhooks.ts";
import { utf8 } from "../bytes.ts";
import { sha256 } from "./crypto.ts";

const secrets = ["secret"];
const settings = {
  github: { scheme: "github", secrets },
  gitlab: { scheme: "gitlab", secrets },
  stripe: { scheme: "stripe", secrets },
  shopify: { scheme: "shopify", secrets },
  linear: { scheme: "linear", secrets },
  standard: { scheme: "standard", secrets },
  svix: { scheme: "svix", secrets },
  paddle: { scheme: "paddle", secrets },
  square: { scheme: "square", secrets },
  hubspot: { scheme: "hubspot", secrets },
  adyen: { scheme: "adyen", secrets },
  sendgrid: { scheme: "sendgrid", publicKeys: ["key"] },
} as const;

function item(pspReference: string): object {
  return {
    NotificationRequestItem: { pspReference, eventCode: "CAPTURE", success: "true", reason: "x" },
  };
}

test.each([
  ["github", "its id", {}, "{}"],
  ["github", "an id that says something", { "X-GitHub-Delivery": "" }, "{}"],
  ["stripe", "JSON", {}, "id=evt_1"],
  ["stripe", "an id", {}, "{}"],
  ["stripe", "an id that is text", {}, '{"id":1}'],
  ["linear", "its id", {}, "{}"],
  ["linear", "JSON", { "Linear-Delivery": "x" }, "type=Issue"],
  ["standard", "its id", {}, "{}"],
  ["svix", "its id", { "webhook-id": "x" }, "{}"],
  ["paddle", "an id", {}, '{"notification_id":"x"}'],
  ["square", "an id", {}, "{}"],
  ["hubspot", "JSON", {}, '[{"eventId":1}]\u0080more'],
  ["hubspot", "events", {}, "7"],
  ["adyen", "JSON", {}, "eventCode=CAPTURE"],
  ["adyen", "items", {}, '{"notificationItems":[]}'],
  ["sendgrid", "a list", {}, '{"sg_event_id":"ev1"}'],
  ["sendgrid", "events in it", {}, '[{"sg_event_id":"ev1"},7]'],
] as const)("%s without %s is malformed", async (by, _what, headers, body) => {
  expect(await namesOf({ settings: settings[by], headers, body })).toBe("malformed");
});

test("each event goes on in an envelope of its own", async () => {
  const envelope = { live: "true", notificationItems: [item("a"), item("b")] };
  const attempt = { settings: settings.adyen, headers: {}, body: JSON.stringify(envelope) };
  const items = await schemeFor(settings.adyen).identify(received(attempt));
  expect(items).toMatchObject({
    value: [
      { value: { live: "true", notificationItems: [item("a")] } },
      { value: { live: "true", notificationItems: [item("b")] } },
    ],
  });
});

test.each([
  ["gitlab", { "X-Gitlab-Event-UUID": "13792a34" }, "r:13792a34."],
  ["gitlab", {}, "r:"],
  ["shopify", {}, "r:"],
  ["hubspot", {}, "r:"],
  ["adyen", {}, "r:"],
] as const)("%s: a body without a name goes by its hash", async (by, headers, before) => {
  const names = await namesOf({ settings: settings[by], headers, body: "{}" });
  const named = await namesOf({ settings: settings[by], headers, body: "{} " });
  expect(names).toEqual([`${before}${await sha256(utf8("{}"))} r`]);
  expect(named).not.toEqual(names);
});

test("a HubSpot webhook without ids that is signed at another time is another event", async () => {
  const [one, two] = ["one", "two"].map((signature) => ({
    settings: settings.hubspot,
    headers: { "X-HubSpot-Signature-v3": signature },
    body: "{}",
  }));
  if (one === undefined || two === undefined) throw new TypeError("two are made");
  expect(await namesOf(one)).not.toEqual(await namesOf(two));
});

test("an event of SendGrid's without an id goes by its hash", async () => {
  const body = '[{"event":"processed"}]';
  expect(await namesOf({ settings: settings.sendgrid, headers: {}, body })).toEqual([
    `r:${await sha256(utf8('{"event":"processed"}'))} r`,
  ]);
});

test("an event of Shopify's about nothing it names is told apart by its body", async () => {
  const headers = { "X-Shopify-Event-Id": "98880550", "X-Shopify-Topic": "bulk/finish" };
  expect(await namesOf({ settings: settings.shopify, headers, body: "{}" })).toEqual([
    `r:98880550.bulk/finish.${await sha256(utf8("{}"))} r:bulk/finish`,
  ]);
});

test.each([
  ["github", 200, ""],
  ["gitlab", 200, ""],
  ["stripe", 200, ""],
  ["shopify", 200, ""],
  ["adyen", 200, "[accepted]"],
  ["sendgrid", 200, ""],
] as const)("%s is answered %d and %j", async (by, status, text) => {
  const webhook = received({ settings: settings[by], headers: {}, body: "{}" });
  const answer = schemeFor(settings[by]).accepted(webhook, []);
  expect(answer.status).toBe(status);
  expect(await answer.text()).toBe(text);
});
