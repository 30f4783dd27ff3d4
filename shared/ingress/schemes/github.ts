import * as z from "zod/mini";
import { fromUtf8 } from "../../bytes.ts";
import { jsonOrUndefined } from "../../json.ts";
import { LIMITS } from "../../limits.ts";
import { emptyAnswer } from "../answers.ts";
import { identified, malformed, smallJsonBody } from "../items.ts";
import { orUndefined } from "../or-undefined.ts";
import type { VerificationOf } from "../route.ts";
import type { ReceivedWebhook, Scheme } from "../scheme.ts";
import { signedBy, type SigningRule } from "../signature.ts";

export const GITHUB_RULE: SigningRule = {
  algorithm: "sha256",
  encoding: "hex",
  secretEncoding: "text",
  headers: ["x-hub-signature-256"],
  prefix: "sha256=",
  signed: "{body}",
};

const Numbered = orUndefined(z.object({ number: z.int() }));
/** Only what names a lane. */
const Payload = z.object({
  repository: orUndefined(z.object({ full_name: z.string() })),
  organization: orUndefined(z.object({ login: z.string() })),
  issue: Numbered,
  pull_request: Numbered,
  discussion: Numbered,
});

/**
 * GitHub. Its `ping` is an ordinary delivery. Source:
 * https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 */
export const github: Scheme<"github"> = {
  maxBodyBytes: LIMITS.maxWebhookBytes,
  ...signedBy<VerificationOf<"github">>(() => GITHUB_RULE),

  identify(_settings, webhook) {
    // The same when it is delivered again by hand or through the API.
    const id = webhook.headers.get("X-GitHub-Delivery");
    if (id === null || id === "") return malformed();
    return identified(webhook.route, [{ id, conversation: conversationOf(webhook) }]);
  },

  accepted: emptyAnswer,
};

/** The issue, pull request or discussion; else the repository; else the organisation. */
function conversationOf({ headers, body }: ReceivedWebhook): string | undefined {
  const isForm = headers.get("Content-Type")?.startsWith("application/x-www-form-urlencoded");
  const payload = Payload.safeParse(isForm === true ? formPayload(body) : smallJsonBody(body));
  if (!payload.success) return undefined;
  const { repository, organization, issue, pull_request: pull, discussion } = payload.data;
  if (repository === undefined) return organization?.login;
  const number = (issue ?? pull ?? discussion)?.number;
  return number === undefined ? repository.full_name : `${repository.full_name}#${number}`;
}

/** The other content type a hook may be set to: the JSON stands in a form field. */
function formPayload(body: Uint8Array): unknown {
  if (body.byteLength > MAX_FORM_BYTES) return undefined;
  return jsonOrUndefined(new URLSearchParams(fromUtf8(body)).get("payload") ?? "");
}

/** Larger forms are not parsed to find a lane. */
const MAX_FORM_BYTES = 2 * 1024 * 1024;
