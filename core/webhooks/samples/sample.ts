/** Bodies as senders send them, for trying a route out. Pure. */
import type { CheckedScheme } from "../../config/ingress/ingress.ts";
import { line, slackCommand, slackEvent, telegram, twilio, whatsapp } from "./sample-chat.ts";
import { type Made, type Maker, SAMPLE_TEXT, type SampleSeed } from "./sample-made.ts";
import {
  adyen,
  githubIssue,
  githubPing,
  githubPull,
  githubPush,
  gitlabPush,
  hubspot,
  linear,
  paddle,
  shopify,
  square,
  standard,
  stripe,
} from "./sample-services.ts";

/** A webhook before it is signed. */
export interface SampleBody {
  readonly event: string;
  readonly contentType: string;
  /** Beside those that prove the sender. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** A test of the address: it is answered at the door, and sets nothing off. */
  readonly isHandshake: boolean;
}

/** Events by name, the usual one first; `any`: the sender names its events itself. */
interface Sender {
  readonly events: Readonly<Record<string, Maker>>;
  readonly any?: Maker;
}

/**
 * A sample of what that sender sends.
 *
 * @param event - The sender's name of it; undefined: the usual one.
 * @returns The names there are, when it is none of them.
 */
export function sampleOf(
  scheme: CheckedScheme,
  event: string | undefined,
  seed: SampleSeed,
): SampleBody | { readonly events: readonly string[] } {
  const { events, any } = SENDERS[scheme];
  const names = Object.keys(events);
  const name = event ?? names[0] ?? "";
  const maker = Object.hasOwn(events, name) ? events[name] : any;
  if (maker === undefined) return { events: names };
  const { body, headers = {}, isForm = false, isHandshake = false } = maker(name, seed);
  return {
    event: name,
    contentType: isForm ? "application/x-www-form-urlencoded" : "application/json",
    headers,
    body: isForm ? formText(body) : JSON.stringify(body),
    isHandshake,
  };
}

function formText(fields: unknown): string {
  return new URLSearchParams(Object.entries(Object(fields))).toString();
}

/** For senders we know nothing of but how they sign. */
function plain(event: string, { id, now }: SampleSeed): Made {
  return {
    body: {
      id,
      event,
      type: event,
      createdAt: new Date(now).toISOString(),
      message: SAMPLE_TEXT,
      text: SAMPLE_TEXT,
    },
  };
}

const PLAIN: Sender = { events: { sample: plain }, any: plain };
/** Signed with keys that only they have. */
const UNABLE: Sender = { events: {} };

const SENDERS: Readonly<Record<CheckedScheme, Sender>> = {
  adyen: { events: { "balancePlatform.transfer.created": adyen }, any: adyen },
  basic: PLAIN,
  bearer: PLAIN,
  discord: UNABLE,
  "discord-events": UNABLE,
  github: {
    events: { push: githubPush, ping: githubPing, issues: githubIssue, pull_request: githubPull },
  },
  gitlab: { events: { push: gitlabPush } },
  "google-chat": UNABLE,
  header: PLAIN,
  hmac: PLAIN,
  hubspot: { events: { "contact.creation": hubspot }, any: hubspot },
  line: { events: { message: line } },
  linear: { events: { Issue: linear, Comment: linear }, any: linear },
  meta: { events: { messages: whatsapp } },
  paddle: { events: { "transaction.completed": paddle }, any: paddle },
  sendgrid: UNABLE,
  shopify: { events: { "orders/create": shopify }, any: shopify },
  slack: {
    events: {
      message: slackEvent,
      app_mention: slackEvent,
      command: slackCommand,
      url_verification: (_event, { id }) => ({
        body: { type: "url_verification", token: "sample", challenge: id },
        isHandshake: true,
      }),
    },
    any: slackEvent,
  },
  square: { events: { "payment.updated": square }, any: square },
  standard: { events: { "sample.created": standard }, any: standard },
  stripe: { events: { "payment_intent.succeeded": stripe, "invoice.paid": stripe }, any: stripe },
  svix: { events: { "sample.created": standard }, any: standard },
  teams: UNABLE,
  "teams-outgoing": {
    events: {
      message: (_event, { id, now }) => ({
        body: {
          type: "message",
          id,
          timestamp: new Date(now).toISOString(),
          text: SAMPLE_TEXT,
          from: { id: "sample", name: "Sample" },
          channelId: "msteams",
          serviceUrl: "https://smba.trafficmanager.net/emea/",
          conversation: { id: "19:sample@thread.skype" },
        },
      }),
    },
  },
  telegram: { events: { message: telegram } },
  twilio: { events: { message: twilio } },
};
