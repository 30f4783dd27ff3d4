/** What a genuine sender would send: for trying a route out. The other side of every scheme with a shared secret. */
import { utf8 } from "../bytes.ts";
import { hmac as sign, toBase64 } from "./crypto.ts";
import { isOf } from "./registry.ts";
import type { SchemeName, Verification, VerificationOf } from "./route.ts";
import type { ReceivedWebhook } from "./scheme.ts";
import { ADYEN_RULE } from "./schemes/adyen.ts";
import { GITHUB_RULE } from "./schemes/github.ts";
import { hmacRule } from "./schemes/hmac.ts";
import { hubspotRule } from "./schemes/hubspot.ts";
import { LINEAR_RULE } from "./schemes/linear.ts";
import { paddleRule } from "./schemes/paddle.ts";
import { SHOPIFY_RULE } from "./schemes/shopify.ts";
import { squareRule } from "./schemes/square.ts";
import { stripeRule } from "./schemes/stripe.ts";
import { signedHeaders, type SigningRule, toleranceMs } from "./signature.ts";
import { standardRule } from "./standard-webhooks.ts";
import { formText, signedUrls } from "./twilio-signed.ts";

export interface Sample extends Pick<ReceivedWebhook, "url" | "body" | "now"> {
  /** POST, unless said otherwise: some senders sign it. */
  readonly method?: string;
  /** The sender's id of the event; made up when absent. */
  readonly id?: string;
  /** The secret itself, for schemes that show it: of those we hold only a digest. */
  readonly plain?: string;
}

type Signer = (verification: Verification, sample: FullSample) => Promise<Headers | undefined>;
type FullSample = ReceivedWebhook & { readonly id: string; readonly plain: string | undefined };

/** A body of Linear's must hold `webhookTimestamp`, one of Twilio's that is no form is hashed in its address. */
const signers: Readonly<Partial<Record<SchemeName, Signer>>> = {
  adyen: ruled("adyen", () => ADYEN_RULE),
  basic: shown("authorization", (plain) => `Basic ${toBase64(utf8(plain))}`),
  bearer: shown("authorization", (plain) => `Bearer ${plain}`, "idempotency-key"),
  github: ruled("github", () => GITHUB_RULE, "x-github-delivery"),
  gitlab: signer("gitlab", signGitlab),
  header: signer("header", (settings, sample) => show(sample, settings.header, (plain) => plain)),
  hmac: signer("hmac", signHmac),
  hubspot: ruled("hubspot", (settings) => hubspotRule(settings, settings.url)),
  line: ruled("line", () => ({ ...BODY_BASE64, headers: ["x-line-signature"] })),
  linear: ruled("linear", () => LINEAR_RULE, "linear-delivery"),
  meta: ruled("meta", () => GITHUB_RULE),
  paddle: ruled("paddle", paddleRule),
  shopify: ruled("shopify", () => SHOPIFY_RULE, "x-shopify-webhook-id"),
  slack: ruled("slack", slackRule),
  square: ruled("square", squareRule),
  standard: ruled("standard", (settings) => standardRule("webhook", settings)),
  stripe: ruled("stripe", stripeRule),
  svix: ruled("svix", (settings) => standardRule("svix", settings)),
  "teams-outgoing": ruled("teams-outgoing", () => TEAMS_RULE),
  telegram: shown("x-telegram-bot-api-secret-token", (plain) => plain),
  twilio: signer("twilio", signTwilio),
};

const BODY_BASE64 = {
  algorithm: "sha256",
  encoding: "base64",
  secretEncoding: "text",
  signed: "{body}",
} as const;

const TEAMS_RULE: SigningRule = {
  ...BODY_BASE64,
  secretEncoding: "base64",
  headers: ["authorization"],
  prefix: "HMAC ",
};

/**
 * The headers with which the sender of this route would send `body` now, signed with the first of
 * its live secrets.
 *
 * @returns Undefined where we cannot: what is signed with a private key, and without `plain` what
 *   shows its secret.
 */
export async function signSample(
  verification: Verification,
  sample: Sample,
): Promise<Headers | undefined> {
  const { method = "POST", id = crypto.randomUUID(), plain, url, body, now } = sample;
  const webhook = { route: "", method, url, headers: new Headers(), body, now };
  return signers[verification.scheme]?.(verification, { ...webhook, id, plain });
}

function signer<Name extends SchemeName>(
  name: Name,
  signAs: (settings: VerificationOf<Name>, sample: FullSample) => Promise<Headers | undefined>,
): Signer {
  return async (verification, sample) =>
    isOf(name, verification) ? signAs(verification, sample) : undefined;
}

/** @param idHeader - Where the sender's id stands, if not in the body. */
function ruled<Name extends SchemeName>(
  name: Name,
  ruleOf: (settings: VerificationOf<Name>) => SigningRule,
  idHeader?: string,
): Signer {
  return signer(name, async (settings, sample) => {
    const headers = await signFirst(ruleOf(settings), settings, sample);
    if (idHeader !== undefined) headers?.set(idHeader, sample.id);
    return headers;
  });
}

async function signFirst(
  rule: SigningRule,
  settings: Verification,
  sample: FullSample,
): Promise<Headers | undefined> {
  const [secret] = "secrets" in settings ? settings.secrets : [];
  // A public key signs nothing.
  if (secret === undefined || secret.startsWith("whpk_")) return undefined;
  return signedHeaders(rule, secret, sample);
}

function shown(header: string, write: (plain: string) => string, idHeader?: string): Signer {
  return async (_verification, sample) => {
    const headers = await show(sample, header, write);
    if (idHeader !== undefined) headers?.set(idHeader, sample.id);
    return headers;
  };
}

async function show(
  { plain }: FullSample,
  header: string,
  write: (plain: string) => string,
): Promise<Headers | undefined> {
  return plain === undefined ? undefined : new Headers([[header, write(plain)]]);
}

async function signGitlab(
  settings: VerificationOf<"gitlab">,
  sample: FullSample,
): Promise<Headers | undefined> {
  const isSigned = settings.secrets.length > 0;
  const headers = isSigned
    ? await signFirst(standardRule("webhook", settings), settings, sample)
    : await show(sample, "x-gitlab-token", (plain) => plain);
  headers?.set("idempotency-key", sample.id);
  return headers;
}

async function signHmac(
  settings: VerificationOf<"hmac">,
  sample: FullSample,
): Promise<Headers | undefined> {
  const headers = await signFirst(hmacRule(settings), settings, sample);
  if (settings.id?.header !== undefined) headers?.set(settings.id.header, sample.id);
  return headers;
}

async function signTwilio(
  settings: VerificationOf<"twilio">,
  { url, body }: FullSample,
): Promise<Headers | undefined> {
  const [address = url.href] = signedUrls(settings.url, url);
  const [secret] = settings.secrets;
  if (secret === undefined) return undefined;
  const fields = url.searchParams.has("bodySHA256") ? "" : formText(body);
  if (fields === undefined) return undefined;
  const signature = await sign("sha1", utf8(secret), utf8(address + fields));
  return new Headers({ "x-twilio-signature": toBase64(signature) });
}

function slackRule(settings: VerificationOf<"slack">): SigningRule {
  return {
    algorithm: "sha256",
    encoding: "hex",
    secretEncoding: "text",
    headers: ["x-slack-signature"],
    prefix: "v0=",
    signed: "v0:{timestamp}:{body}",
    timestamp: {
      header: "x-slack-request-timestamp",
      unit: "seconds",
      toleranceMs: toleranceMs(settings),
    },
  };
}
