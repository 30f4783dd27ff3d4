/** Every scheme by its name, and one scheme together with the settings of a route. */
import type { Result } from "../result.ts";
import type { SchemeName, Verification, VerificationOf } from "./route.ts";
import type {
  Proof,
  ReceivedWebhook,
  Refusal,
  Scheme,
  SchemeTools,
  WebhookItem,
} from "./scheme.ts";
import { adyen } from "./schemes/adyen.ts";
import { basic } from "./schemes/basic.ts";
import { bearer } from "./schemes/bearer.ts";
import { discordEvents } from "./schemes/discord-events.ts";
import { discord } from "./schemes/discord.ts";
import { github } from "./schemes/github.ts";
import { gitlab } from "./schemes/gitlab.ts";
import { googleChat } from "./schemes/google-chat.ts";
import { header } from "./schemes/header.ts";
import { hmac } from "./schemes/hmac.ts";
import { hubspot } from "./schemes/hubspot.ts";
import { line } from "./schemes/line.ts";
import { linear } from "./schemes/linear.ts";
import { meta } from "./schemes/meta.ts";
import { paddle } from "./schemes/paddle.ts";
import { sendgrid } from "./schemes/sendgrid.ts";
import { shopify } from "./schemes/shopify.ts";
import { slack } from "./schemes/slack.ts";
import { square } from "./schemes/square.ts";
import { standard } from "./schemes/standard.ts";
import { stripe } from "./schemes/stripe.ts";
import { svix } from "./schemes/svix.ts";
import { teamsOutgoing } from "./schemes/teams-outgoing.ts";
import { teams } from "./schemes/teams.ts";
import { telegram } from "./schemes/telegram.ts";
import { twilio } from "./schemes/twilio.ts";

/** Settings of a route whose webhooks can be checked by them. */
export type Checkable = Exclude<Verification, { scheme: "core" }>;
type CheckableName = Checkable["scheme"];

/** A scheme with the settings of one route: see `Scheme` for what each method promises. */
export interface BoundScheme {
  readonly name: CheckableName;
  readonly maxBodyBytes: number;
  screen(headers: Headers, now: number): Result<void, Refusal> | Promise<Result<void, Refusal>>;
  verify(webhook: ReceivedWebhook, tools: SchemeTools): Promise<Result<Proof, Refusal>>;
  handshake(webhook: ReceivedWebhook): Response | undefined;
  /** Undefined for senders that test an address by no GET. */
  readonly challenge: ((url: URL) => Promise<Response>) | undefined;
  identify(
    webhook: ReceivedWebhook,
  ): Promise<Result<readonly WebhookItem[], { readonly reason: "malformed" }>>;
  accepted(webhook: ReceivedWebhook, items: readonly WebhookItem[]): Response;
}

interface Entry {
  readonly maxBodyBytes: number;
  readonly bind: (settings: Checkable) => BoundScheme;
}

const entries = {
  adyen: entry("adyen", adyen),
  basic: entry("basic", basic),
  bearer: entry("bearer", bearer),
  discord: entry("discord", discord),
  "discord-events": entry("discord-events", discordEvents),
  github: entry("github", github),
  gitlab: entry("gitlab", gitlab),
  "google-chat": entry("google-chat", googleChat),
  header: entry("header", header),
  hmac: entry("hmac", hmac),
  hubspot: entry("hubspot", hubspot),
  line: entry("line", line),
  linear: entry("linear", linear),
  meta: entry("meta", meta),
  paddle: entry("paddle", paddle),
  sendgrid: entry("sendgrid", sendgrid),
  shopify: entry("shopify", shopify),
  slack: entry("slack", slack),
  square: entry("square", square),
  standard: entry("standard", standard),
  stripe: entry("stripe", stripe),
  svix: entry("svix", svix),
  teams: entry("teams", teams),
  "teams-outgoing": entry("teams-outgoing", teamsOutgoing),
  telegram: entry("telegram", telegram),
  twilio: entry("twilio", twilio),
} satisfies Record<CheckableName, Entry>;

/** Of a route whose webhooks only the core can check, unless its settings say otherwise. */
const UNCHECKED_MAX_BODY_BYTES = 1024 * 1024;

/** How webhooks of this route are checked, named and answered. */
export function boundScheme(verification: Checkable): BoundScheme {
  return entries[verification.scheme].bind(verification);
}

/** What this sender may need: the default of a route's `maxBodyBytes`. */
export function maxBodyBytesOf(name: SchemeName): number {
  return name === "core" ? UNCHECKED_MAX_BODY_BYTES : entries[name].maxBodyBytes;
}

function entry<Name extends CheckableName>(name: Name, scheme: Scheme<Name>): Entry {
  return {
    maxBodyBytes: scheme.maxBodyBytes,
    bind(settings) {
      if (!isOf(name, settings)) throw new RangeError(`${settings.scheme} is not ${name}`);
      return bound(name, scheme, settings);
    },
  };
}

/** Whether these are the settings of that scheme. */
export function isOf<Name extends SchemeName>(
  name: Name,
  settings: Verification,
): settings is VerificationOf<Name> {
  return settings.scheme === name;
}

function bound<Name extends CheckableName>(
  name: Name,
  scheme: Scheme<Name>,
  settings: VerificationOf<Name>,
): BoundScheme {
  return {
    name,
    maxBodyBytes: scheme.maxBodyBytes,
    screen: (headers, now) => scheme.screen(settings, headers, now),
    verify: (webhook, tools) => scheme.verify(settings, webhook, tools),
    handshake: (webhook) => scheme.handshake?.(webhook),
    challenge:
      scheme.challenge === undefined
        ? undefined
        : (url) => scheme.challenge?.(settings, url) ?? Promise.reject(new TypeError(name)),
    identify: (webhook) => scheme.identify(settings, webhook),
    accepted: (webhook, items) => scheme.accepted(webhook, items),
  };
}
