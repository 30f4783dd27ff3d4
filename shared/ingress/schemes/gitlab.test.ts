import { expect, test } from "vitest";
import { verdictOf } from "../../../test/support/webhooks.ts";
import { concat, utf8 } from "../../bytes.ts";
import { digestOf } from "../../constant-time.ts";
import { hmac, toBase64 } from "../crypto.ts";

const AT = 1_700_000_000;
const KEY = utf8("0123456789abcdef0123456789abcdef");
const secret = `whsec_${toBase64(KEY)}`;
const digest = await digestOf("plain-token");
const body = '{"object_kind":"push"}';

const signature = toBase64(await hmac("sha256", KEY, concat([utf8(`id-1.${AT}.`), utf8(body)])));
const signed = {
  "webhook-id": "id-1",
  "webhook-timestamp": String(AT),
  "webhook-signature": `v1,${signature}`,
};
const plain = { "X-Gitlab-Token": "plain-token" };
const forged = { ...signed, "webhook-signature": `v1,${toBase64(new Uint8Array(32))}` };

const both = { secrets: [secret], digests: [digest] };

/** Source: https://gitlab.com/gitlab-org/gitlab/-/merge_requests/230944 */
test.each([
  ["a signature, where there is a signing token", { secrets: [secret] }, signed, "genuine"],
  ["a token, where there is a token", { digests: [digest] }, plain, "genuine"],
  ["a signature, where either will do", both, signed, "genuine"],
  ["a token, where either will do: counted behind the signing tokens", both, plain, "genuine 1"],
  ["both", both, { ...signed, ...plain }, "genuine"],
  ["a forged signature beside a token that is right", both, { ...forged, ...plain }, "mismatch"],
  ["a token, where it must be a signature", { secrets: [secret] }, plain, "missing_header"],
  ["a signature, where it must be a token", { digests: [digest] }, signed, "missing_header"],
  ["a wrong token", both, { "X-Gitlab-Token": "plain-tokem" }, "mismatch"],
  ["nothing", both, {}, "missing_header"],
])("%s", async (_name, settings, headers, verdict) => {
  const attempt = { settings: { scheme: "gitlab", ...settings }, headers, body, at: AT };
  expect(await verdictOf(attempt)).toBe(verdict);
});
