import * as z from "zod/mini";
import { LIMITS } from "../../limits.ts";
import { err, ok, type Result } from "../../result.ts";
import { emptyAnswer } from "../answers.ts";
import { sha256 } from "../crypto.ts";
import { provedEqual } from "../equality.ts";
import { identified, smallJsonBody } from "../items.ts";
import { orUndefined } from "../or-undefined.ts";
import type { VerificationOf } from "../route.ts";
import type { Proof, ReceivedWebhook, Refusal, Scheme } from "../scheme.ts";
import { readStandard, verifyStandard } from "../standard-webhooks.ts";

const TOKEN_HEADER = "x-gitlab-token";
const SIGNATURE_HEADER = "webhook-signature";

const Iid = orUndefined(z.object({ iid: z.int() }));
/** Only what names a lane. */
const Payload = z.object({
  object_kind: orUndefined(z.string()),
  project: orUndefined(z.object({ path_with_namespace: z.string() })),
  object_attributes: Iid,
  merge_request: Iid,
  issue: Iid,
});

/**
 * GitLab: the signing token (Standard Webhooks) where there is one, else the plain secret token.
 * Of the live ones the signing tokens are counted first. Source:
 * https://docs.gitlab.com/user/project/integrations/webhooks/
 */
export const gitlab: Scheme<"gitlab"> = {
  maxBodyBytes: LIMITS.maxWebhookBytes,

  async screen(settings, headers, now) {
    const checked = isSigned(settings, headers)
      ? readStandard("webhook", settings, headers, now)
      : await provedByToken(settings, headers);
    return checked.ok ? ok(undefined) : checked;
  },

  verify(settings, webhook) {
    return isSigned(settings, webhook.headers)
      ? verifyStandard("webhook", settings, webhook)
      : provedByToken(settings, webhook.headers);
  },

  async identify(_settings, webhook) {
    return identified(webhook.route, [
      { id: await idOf(webhook), conversation: conversationOf(webhook.body) },
    ]);
  },

  accepted: emptyAnswer,
};

/** A signature that is there must be right, whatever else is sent beside it. */
function isSigned({ secrets, digests }: VerificationOf<"gitlab">, headers: Headers): boolean {
  return secrets.length > 0 && (digests.length === 0 || headers.has(SIGNATURE_HEADER));
}

async function provedByToken(
  { secrets, digests }: VerificationOf<"gitlab">,
  headers: Headers,
): Promise<Result<Proof, Refusal>> {
  const shown = { header: TOKEN_HEADER, credential: headers.get(TOKEN_HEADER) };
  const proof = await provedEqual(digests, shown);
  return proof.ok ? ok({ secret: secrets.length + proof.value.secret }) : err(proof.error);
}

/** Old instances know no key of the event, and one event that sets off others gives them its UUID. */
async function idOf({ headers, body }: ReceivedWebhook): Promise<string> {
  const key = headers.get("webhook-id") ?? headers.get("Idempotency-Key");
  if (key !== null && key !== "") return key;
  const uuid = headers.get("X-Gitlab-Event-UUID") ?? "";
  return `${uuid}${uuid === "" ? "" : "."}${await sha256(body)}`;
}

/** The merge request or issue, as people write it; else the project. */
function conversationOf(body: Uint8Array): string | undefined {
  const payload = Payload.safeParse(smallJsonBody(body));
  if (!payload.success || payload.data.project === undefined) return undefined;
  const { object_kind: kind, project, object_attributes: self } = payload.data;
  const path = project.path_with_namespace;
  const merge = kind === "merge_request" ? self : payload.data.merge_request;
  if (merge !== undefined) return `${path}!${merge.iid}`;
  const issue = kind === "issue" ? self : payload.data.issue;
  return issue === undefined ? path : `${path}#${issue.iid}`;
}
