import { expect, test } from "vitest";
import { Verification } from "./route.ts";
import { secretFault } from "./secret-fault.ts";

function faultOf(settings: object): string | undefined {
  return secretFault(Verification.parse(settings));
}

const hmac = { scheme: "hmac", secrets: ["text"], header: "x-signature" };

test.each([
  ["a text", { scheme: "github", secrets: ["any text"] }],
  ["Stripe's, which is no base64 for it", { scheme: "stripe", secrets: ["whsec_test_secret"] }],
  ["base64", { scheme: "standard", secrets: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] }],
  ["a public key", { scheme: "standard", secrets: [`whpk_${"A".repeat(43)}=`] }],
  ["hexadecimal", { scheme: "adyen", secrets: ["44782DEF"] }],
  ["a token", { scheme: "gitlab", digests: ["A".repeat(43)] }],
  [
    "a template that finds all it asks for",
    { ...hmac, signed: "{timestamp}.{body}", timestamp: { header: "x-time" } },
  ],
])("%s is taken", (_name, settings) => {
  expect(faultOf(settings)).toBeUndefined();
});

test.each([
  ["no base64", { scheme: "standard", secrets: ["whsec_not base64"] }, "whsec_"],
  ["empty", { scheme: "svix", secrets: ["whsec_"] }, "whsec_"],
  ["a public key cut short", { scheme: "standard", secrets: ["whpk_AAAA"] }, "whpk_"],
  ["one of two", { scheme: "gitlab", secrets: ["whsec_AAAA", "plain token"] }, "whsec_"],
  ["not hexadecimal", { scheme: "adyen", secrets: ["key"] }, "hexadecimal"],
  ["no base64", { scheme: "teams-outgoing", secrets: ["a b"] }, "base64"],
  ["no key", { scheme: "sendgrid", publicKeys: ["-----BEGIN PUBLIC KEY-----"] }, "base64"],
  ["of another encoding", { ...hmac, secretEncoding: "hex" }, "secretEncoding"],
  ["signing no body", { ...hmac, signed: "{url}" }, "{body}"],
  ["signing a time from nowhere", { ...hmac, signed: "{timestamp}.{body}" }, "{timestamp}"],
  ["signing an id from nowhere", { ...hmac, signed: "{id}.{body}", id: { path: "id" } }, "{id}"],
  ["signing what there is not", { ...hmac, signed: "{timestmp}.{body}" }, "{timestmp}"],
  ["with a time nowhere", { ...hmac, timestamp: {} }, "timestamp"],
  ["with a time in no list", { ...hmac, timestamp: { key: "t" } }, "timestamp.key"],
])("a secret that is %s is named as such", (_name, settings, word) => {
  expect(faultOf(settings)).toContain(word);
});

test("what is said holds nothing of a secret", () => {
  expect(faultOf({ scheme: "adyen", secrets: ["hunter2"] })).not.toContain("hunter2");
});
