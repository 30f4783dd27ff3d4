/** Senders of developers' tools: GitHub, GitLab's signing token, Linear, and who follows Standard Webhooks. */
import { generateKeyPairSync, sign as signWith } from "node:crypto";
import { sign } from "@octokit/webhooks-methods";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { fromUtf8 } from "../../../shared/bytes.ts";
import { conversationOf, OK, type Sender, TEXT } from "./sender.ts";
import {
  base64Keys,
  flipped,
  hexKeys,
  hmacText,
  json,
  JSON_TYPE,
  keysOf,
  live,
  seconds,
  uuid,
} from "./signing.ts";

export function codeSenders(): Sender[] {
  return [github(), gitlabSigned(), linear(), standard(), standardEd25519(), svix()];
}

/** Signed by GitHub's own package. */
function github(): Sender {
  const keys = hexKeys(20);
  return {
    name: "github",
    scheme: "github",
    verification: { scheme: "github", secrets: live(keys) },
    signsTime: false,
    tamper: flipped,
    send: async (event, { key }) => {
      const issue = { number: conversationOf(event), title: TEXT, user: { login: "octocat" } };
      const repository = { id: 35_129_377, full_name: "octo-org/hello-world" };
      const value = { action: "opened", issue, repository };
      const lane = `${repository.full_name}#${issue.number}`;
      const body = json(value);
      return {
        method: "POST",
        query: "",
        headers: {
          ...JSON_TYPE,
          "User-Agent": "GitHub-Hookshot/044aadd",
          "X-GitHub-Delivery": uuid(event),
          "X-GitHub-Event": "issues",
          "X-GitHub-Hook-ID": "292430182",
          "X-Hub-Signature": `sha1=${hmacText("sha1", keys[key], [body], "hex")}`,
          "X-Hub-Signature-256": await sign(keys[key], fromUtf8(body)),
        },
        body,
        items: [{ id: uuid(event), lane }],
        answer: OK,
      };
    },
  };
}

/** Source: https://gitlab.com/gitlab-org/gitlab/-/merge_requests/230944 */
function gitlabSigned(): Sender {
  const keys = base64Keys("whsec_");
  return {
    name: "gitlab-signed",
    scheme: "gitlab",
    verification: { scheme: "gitlab", secrets: live(keys) },
    signsTime: true,
    tamper: flipped,
    send: (event, { at, key }) => {
      const body = json({ object_kind: "push", ref: "refs/heads/main", message: TEXT, event });
      return {
        method: "POST",
        query: "",
        headers: {
          ...JSON_TYPE,
          "User-Agent": "GitLab/18.6.0",
          "X-Gitlab-Event": "Push Hook",
          "X-Gitlab-Event-UUID": uuid(event),
          "Idempotency-Key": uuid(event + 9_000),
          "webhook-id": uuid(event + 9_000),
          "webhook-timestamp": seconds(at),
          "webhook-signature": new StandardWebhook(keys[key]).sign(
            uuid(event + 9_000),
            new Date(at),
            fromUtf8(body),
          ),
        },
        body,
        items: [{ id: uuid(event + 9_000), lane: "" }],
        answer: OK,
      };
    },
  };
}

/** Source: https://linear.app/developers/webhooks */
function linear(): Sender {
  const keys = keysOf(() => `lin_wh_${hexKeys().first}`);
  return {
    name: "linear",
    scheme: "linear",
    verification: { scheme: "linear", secrets: live(keys) },
    signsTime: true,
    tamper: flipped,
    send: (event, { at, key }) => {
      const body = json({
        action: "create",
        type: "Comment",
        createdAt: new Date(at).toISOString(),
        data: { id: uuid(event + 100), body: TEXT, issueId: uuid(conversationOf(event)) },
        organizationId: uuid(8),
        webhookTimestamp: at,
        webhookId: uuid(9),
      });
      return {
        method: "POST",
        query: "",
        headers: {
          "Content-Type": "application/json; charset=utf-8",
          "User-Agent": "Linear-Webhook",
          "Linear-Delivery": uuid(event),
          "Linear-Event": "Comment",
          "Linear-Timestamp": String(at),
          "Linear-Signature": hmacText("sha256", keys[key], [body], "hex"),
        },
        body,
        items: [{ id: uuid(event), lane: uuid(conversationOf(event)) }],
        answer: OK,
      };
    },
  };
}

/** Signed by the package of the specification; with a second signature as while keys are changed. */
function standard(): Sender {
  const keys = base64Keys("whsec_");
  const unknown = new StandardWebhook(base64Keys().first);
  return {
    name: "standard",
    scheme: "standard",
    verification: { scheme: "standard", secrets: live(keys) },
    signsTime: true,
    tamper: flipped,
    send: (event, { at, key }) => {
      const body = json({ type: "contact.created", data: { text: TEXT, event } });
      const signed = [`msg_${event}`, new Date(at), fromUtf8(body)] as const;
      const signature = new StandardWebhook(keys[key]).sign(...signed);
      return {
        method: "POST",
        query: "",
        headers: {
          ...JSON_TYPE,
          "webhook-id": `msg_${event}`,
          "webhook-timestamp": seconds(at),
          "webhook-signature": `${unknown.sign(...signed)} ${signature}`,
        },
        body,
        items: [{ id: `msg_${event}`, lane: "" }],
        answer: OK,
      };
    },
  };
}

/** The same by Ed25519: `v1a`. Source: https://github.com/standard-webhooks/standard-webhooks */
function standardEd25519(): Sender {
  const pairs = keysOf(() => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
    return { privateKey, text: `whpk_${raw.toString("base64")}` };
  });
  return {
    name: "standard-ed25519",
    scheme: "standard",
    verification: { scheme: "standard", secrets: live(pairs).map(({ text }) => text) },
    signsTime: true,
    tamper: flipped,
    send: (event, { at, key }) => {
      const body = json({ type: "invoice.paid", data: { text: TEXT, event } });
      const id = `msg_2KWPBgLlAfxdpx2AI54pPJ85f4W_${event}`;
      const message = Buffer.concat([Buffer.from(`${id}.${seconds(at)}.`), body]);
      const signature = signWith(null, message, pairs[key].privateKey).toString("base64");
      return {
        method: "POST",
        query: "",
        headers: {
          ...JSON_TYPE,
          "webhook-id": id,
          "webhook-timestamp": seconds(at),
          "webhook-signature": `v1a,${signature}`,
        },
        body,
        items: [{ id, lane: "" }],
        answer: OK,
      };
    },
  };
}

/** Signed by Svix's own package. */
function svix(): Sender {
  const keys = base64Keys("whsec_", 24);
  return {
    name: "svix",
    scheme: "svix",
    verification: { scheme: "svix", secrets: live(keys) },
    signsTime: true,
    tamper: flipped,
    send: (event, { at, key }) => {
      const body = json({ type: "user.created", data: { first_name: TEXT, event } });
      const id = `msg_svix_${event}`;
      return {
        method: "POST",
        query: "",
        headers: {
          ...JSON_TYPE,
          "User-Agent": "Svix-Webhooks/1.62",
          "svix-id": id,
          "svix-timestamp": seconds(at),
          "svix-signature": new SvixWebhook(keys[key]).sign(id, new Date(at), fromUtf8(body)),
        },
        body,
        items: [{ id, lane: "" }],
        answer: OK,
      };
    },
  };
}
