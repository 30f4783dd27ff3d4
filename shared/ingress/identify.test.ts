/** What events are called and which lane they take, for every sender that is not a chat. */
import { expect, test } from "vitest";
import { namesOf } from "../../test/support/webhooks.ts";

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

interface Row {
  readonly name: string;
  readonly by: keyof typeof settings;
  readonly headers?: Record<string, string>;
  readonly body: unknown;
  readonly names: readonly string[];
}

const delivery = { "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958" };
const github = "r:72d3162e-cc78-11e3-81ab-4c9367dc0958";
const repository = { full_name: "octocat/Hello-World" };
const project = { path_with_namespace: "group/app" };
const key = { "Idempotency-Key": "f5e5f430" };

const rows: readonly Row[] = [
  {
    name: "a ping",
    by: "github",
    headers: delivery,
    body: { zen: "Keep it.", hook_id: 1, repository },
    names: [`${github} r:octocat/Hello-World`],
  },
  {
    name: "an issue",
    by: "github",
    headers: delivery,
    body: { repository, issue: { number: 7 } },
    names: [`${github} r:octocat/Hello-World#7`],
  },
  {
    name: "a comment on a pull request",
    by: "github",
    headers: delivery,
    body: { repository, pull_request: { number: 8 }, comment: {} },
    names: [`${github} r:octocat/Hello-World#8`],
  },
  {
    name: "a discussion",
    by: "github",
    headers: delivery,
    body: { repository, discussion: { number: 9 } },
    names: [`${github} r:octocat/Hello-World#9`],
  },
  {
    name: "an organisation's event",
    by: "github",
    headers: delivery,
    body: { organization: { login: "octo-org" } },
    names: [`${github} r:octo-org`],
  },
  {
    name: "a form",
    by: "github",
    headers: { ...delivery, "Content-Type": "application/x-www-form-urlencoded" },
    body: `payload=${encodeURIComponent(JSON.stringify({ repository }))}`,
    names: [`${github} r:octocat/Hello-World`],
  },
  {
    name: "something unheard of",
    by: "github",
    headers: delivery,
    body: "not JSON",
    names: [`${github} r`],
  },
  {
    name: "more than is parsed",
    by: "github",
    headers: delivery,
    body: { repository, pad: "x".repeat(3_000_000) },
    names: [`${github} r`],
  },
  {
    name: "a merge request",
    by: "gitlab",
    headers: key,
    body: { object_kind: "merge_request", project, object_attributes: { iid: 3 } },
    names: ["r:f5e5f430 r:group/app!3"],
  },
  {
    name: "a note on a merge request",
    by: "gitlab",
    headers: key,
    body: {
      object_kind: "note",
      project,
      object_attributes: { id: 99 },
      merge_request: { iid: 3 },
    },
    names: ["r:f5e5f430 r:group/app!3"],
  },
  {
    name: "an issue",
    by: "gitlab",
    headers: key,
    body: { object_kind: "issue", project, object_attributes: { iid: 4 } },
    names: ["r:f5e5f430 r:group/app#4"],
  },
  {
    name: "a push with a signed id",
    by: "gitlab",
    headers: { "webhook-id": "f5e5f430" },
    body: { object_kind: "push", project },
    names: ["r:f5e5f430 r:group/app"],
  },
  {
    name: "an event of a customer",
    by: "stripe",
    body: { id: "evt_1", data: { object: { id: "in_1", customer: "cus_9" } } },
    names: ["r:evt_1 r:cus_9"],
  },
  {
    name: "an expanded customer",
    by: "stripe",
    body: { id: "evt_1", data: { object: { id: "in_1", customer: { id: "cus_9" } } } },
    names: ["r:evt_1 r:cus_9"],
  },
  {
    name: "an event of an object",
    by: "stripe",
    body: { id: "evt_1", data: { object: { id: "prod_1" } } },
    names: ["r:evt_1 r:prod_1"],
  },
  {
    name: "a thin event",
    by: "stripe",
    body: { id: "evt_1", object: "v2.core.event", related_object: { id: "acct_1" } },
    names: ["r:evt_1 r:acct_1"],
  },
  {
    name: "a test event",
    by: "stripe",
    body: { id: "evt_test_webhook", object: "event" },
    names: ["r:evt_test_webhook r"],
  },
  {
    name: "an order",
    by: "shopify",
    headers: {
      "X-Shopify-Topic": "orders/create",
      "X-Shopify-Event-Id": "98880550",
      "X-Shopify-Webhook-Id": "b54557e4",
    },
    body: { id: 8_209, admin_graphql_api_id: "gid://shopify/Order/820982911946154508" },
    names: [
      "r:98880550.orders/create.gid://shopify/Order/820982911946154508 r:orders/create:gid://shopify/Order/820982911946154508",
    ],
  },
  {
    name: "a new kind of event",
    by: "shopify",
    headers: { "Shopify-Topic": "products/update", "Shopify-Event-Id": "98880550" },
    body: { id: 7 },
    names: ["r:98880550.products/update.7 r:products/update:7"],
  },
  {
    name: "no event id",
    by: "shopify",
    headers: { "X-Shopify-Webhook-Id": "b54557e4" },
    body: {},
    names: ["r:b54557e4 r"],
  },
  {
    name: "an issue",
    by: "linear",
    headers: { "Linear-Delivery": "234d1a4e" },
    body: { type: "Issue", data: { id: "2174add1" } },
    names: ["r:234d1a4e r:2174add1"],
  },
  {
    name: "a comment",
    by: "linear",
    headers: { "Linear-Delivery": "234d1a4e" },
    body: { type: "Comment", data: { id: "2174add1", issueId: "539068e2" } },
    names: ["r:234d1a4e r:539068e2"],
  },
  {
    name: "an agent's session",
    by: "linear",
    headers: { "Linear-Delivery": "234d1a4e" },
    body: { type: "AgentSessionEvent", agentSession: { id: "s1" } },
    names: ["r:234d1a4e r:s1"],
  },
  {
    name: "any",
    by: "standard",
    headers: { "webhook-id": "msg_p5jX" },
    body: "anything",
    names: ["r:msg_p5jX r"],
  },
  {
    name: "any",
    by: "svix",
    headers: { "svix-id": "msg_p5jX" },
    body: "anything",
    names: ["r:msg_p5jX r"],
  },
  {
    name: "a transaction",
    by: "paddle",
    body: { event_id: "evt_01", data: { id: "txn_01", customer_id: "ctm_01" } },
    names: ["r:evt_01 r:ctm_01"],
  },
  {
    name: "a payment",
    by: "square",
    body: { event_id: "6a8f5f28", merchant_id: "6SSW", data: { id: "KkAkhdMs" } },
    names: ["r:6a8f5f28 r:KkAkhdMs"],
  },
  {
    name: "several",
    by: "hubspot",
    body: [
      {
        eventId: 1,
        subscriptionId: 12345,
        portalId: 62515,
        occurredAt: 1_564_113_600_000,
        objectId: 123,
        attemptNumber: 0,
      },
      {
        eventId: 2,
        subscriptionId: 12345,
        portalId: 62515,
        occurredAt: 1_564_113_600_000,
        objectId: 124,
        attemptNumber: 0,
      },
    ],
    names: ["r:62515.12345.1.123.1564113600000 r:123", "r:62515.12345.2.124.1564113600000 r:124"],
  },
  {
    name: "another try",
    by: "hubspot",
    body: [
      {
        eventId: 1,
        subscriptionId: 12345,
        portalId: 62515,
        occurredAt: 1_564_113_600_000,
        objectId: 123,
        attemptNumber: 4,
      },
    ],
    names: ["r:62515.12345.1.123.1564113600000 r:123"],
  },
  {
    name: "several",
    by: "adyen",
    body: {
      live: "false",
      notificationItems: [
        {
          NotificationRequestItem: {
            pspReference: "79140",
            eventCode: "AUTHORISATION",
            success: "true",
          },
        },
        {
          NotificationRequestItem: {
            pspReference: "79141",
            originalReference: "79140",
            eventCode: "CAPTURE",
            success: "true",
          },
        },
      ],
    },
    names: ["r:79140.AUTHORISATION.true r:79140", "r:79141.CAPTURE.true r:79140"],
  },
  {
    name: "several",
    by: "sendgrid",
    body: [{ sg_event_id: "ev1", sg_message_id: "m1" }, { sg_event_id: "ev2" }],
    names: ["r:ev1 r:m1", "r:ev2 r"],
  },
  { name: "none", by: "sendgrid", body: [], names: [] },
];

test.each(rows)("$by: $name", async ({ by, headers = {}, body, names }) => {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  expect(await namesOf({ settings: settings[by], headers, body: text })).toEqual(names);
});
