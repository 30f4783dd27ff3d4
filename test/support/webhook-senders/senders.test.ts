import { validateSignature } from "@line/bot-sdk";
import { verify } from "@octokit/webhooks-methods";
import { verifyKey } from "discord-interactions";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Stripe } from "stripe";
import { Webhook as SvixWebhook } from "svix";
import { validateRequest, validateRequestWithBody } from "twilio/lib/webhooks/webhooks.js";
import { afterAll, expect, test } from "vitest";
import { fromUtf8 } from "../../../shared/bytes.ts";
import { IngressRoute, type SchemeName } from "../../../shared/ingress/route.ts";
import { webhookSenders } from "./all.ts";
import { startKeyServer } from "./key-server.ts";
import { routeOf, type Sender, type SentEvent } from "./sender.ts";
import { attempt } from "./trial.ts";

const keys = await startKeyServer();
const senders = await webhookSenders(keys);
const URL_OF = "https://edge.example/hooks/";

afterAll(() => keys[Symbol.asyncDispose]());

function called(name: string): Sender {
  const sender = senders.find((one) => one.name === name);
  if (sender === undefined) throw new RangeError(`no sender ${name}`);
  return sender;
}

function secretOf({ verification }: Sender): string {
  const [first = ""] = "secrets" in verification ? (verification.secrets ?? []) : [];
  return first;
}

/** Complete by its type: a scheme that is added must get a sender, or be left out here for a reason. */
const SCHEMES: Readonly<Record<SchemeName, boolean>> = {
  adyen: true,
  basic: true,
  bearer: true,
  // Verified by one of the others, and by the core.
  core: false,
  discord: true,
  "discord-events": true,
  github: true,
  gitlab: true,
  "google-chat": true,
  header: true,
  hmac: true,
  hubspot: true,
  line: true,
  linear: true,
  meta: true,
  paddle: true,
  sendgrid: true,
  shopify: true,
  slack: true,
  square: true,
  standard: true,
  stripe: true,
  svix: true,
  teams: true,
  "teams-outgoing": true,
  telegram: true,
  twilio: true,
};

test("there is a sender for each way to verify a webhook", () => {
  const sent = new Set<string>(senders.map(({ scheme }) => scheme));
  const wanted = Object.entries(SCHEMES).filter(([, isSent]) => isSent);
  expect([...sent].toSorted()).toEqual(wanted.map(([name]) => name).toSorted());
  expect(new Set(senders.map(({ name }) => name)).size).toBe(senders.length);
});

test.each(senders)("$name: its route is one, and two events of it differ", async (sender) => {
  expect(IngressRoute.safeParse(routeOf(sender)).success).toBe(true);
  const draft = attempt(`${URL_OF}${sender.name}`);
  const [first, second] = [await sender.send(1, draft), await sender.send(2, draft)];
  expect(Buffer.from(first.body).equals(second.body)).toBe(false);
  // Text that no printer of ours would write as it is.
  expect(fromUtf8(first.body)).toMatch(/👋🏽|%F0%9F%91%8B/);
});

type Judge = (sent: SentEvent, sender: Sender) => unknown;

/** What the vendors' own packages say of those we have made up. */
const JUDGES: readonly (readonly [string, Judge])[] = [
  [
    "github",
    ({ body, headers }, sender) =>
      verify(secretOf(sender), fromUtf8(body), headers["X-Hub-Signature-256"] ?? ""),
  ],
  [
    "line",
    ({ body, headers }, sender) =>
      validateSignature(Buffer.from(body), secretOf(sender), headers["x-line-signature"] ?? ""),
  ],
  [
    "discord",
    ({ body, headers }, { verification }) =>
      verifyKey(
        Buffer.from(body),
        headers["X-Signature-Ed25519"] ?? "",
        headers["X-Signature-Timestamp"] ?? "",
        verification.scheme === "discord" ? (verification.publicKeys[0] ?? "") : "",
      ),
  ],
  [
    "stripe",
    ({ body, headers }, sender) =>
      new Stripe("sk_test_not_used").webhooks.constructEvent(
        Buffer.from(body),
        headers["Stripe-Signature"] ?? "",
        secretOf(sender),
      ).object === "event",
  ],
  ["standard", isStandard],
  ["gitlab-signed", isStandard],
  [
    "svix",
    ({ body, headers }, sender) =>
      new SvixWebhook(secretOf(sender)).verify(Buffer.from(body), headers) !== null,
  ],
  [
    "twilio",
    ({ body, query, headers }, sender) =>
      validateRequest(
        secretOf(sender),
        headers["X-Twilio-Signature"] ?? "",
        `${URL_OF}twilio${query}`,
        Object.fromEntries(new URLSearchParams(fromUtf8(body))),
      ),
  ],
  [
    "twilio-json",
    ({ body, query, headers }, sender) =>
      validateRequestWithBody(
        secretOf(sender),
        headers["X-Twilio-Signature"] ?? "",
        `${URL_OF}twilio-json${query}`,
        fromUtf8(body),
      ),
  ],
];

function isStandard({ body, headers }: SentEvent, sender: Sender): boolean {
  return new StandardWebhook(secretOf(sender)).verify(Buffer.from(body), headers) !== null;
}

test.each(JUDGES)("%s: the vendor's own package takes it for genuine", async (name, judge) => {
  const sender = called(name);
  const sent = await sender.send(1, attempt(`${URL_OF}${name}`));
  expect(await judge(sent, sender)).toBe(true);
});
