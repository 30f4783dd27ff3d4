/** Adyen's own examples: the test suites of its SDKs. */
import { expect, test } from "vitest";
import { type Attempt, verdictOf } from "../../../test/support/webhooks.ts";

interface Vector extends Attempt {
  readonly name: string;
  readonly source: string;
  /** `genuine` unless said otherwise. */
  readonly verdict?: string;
}

const ADYEN_NODE =
  "https://github.com/Adyen/adyen-node-api-library/blob/main/src/__tests__/hmacValidator.spec.ts";
const ADYEN_RUBY =
  "https://github.com/Adyen/adyen-ruby-api-library/blob/main/spec/utils/hmac_validator_spec.rb";
const ADYEN_PHP =
  "https://github.com/Adyen/adyen-php-api-library/blob/main/tests/Unit/Util/HmacSignatureTest.php";
const ADYEN_JAVA =
  "https://github.com/Adyen/adyen-java-api-library/blob/main/src/test/java/com/adyen/WebhookTest.java";

const DFB1 = "DFB1EB5485895CFA84146406857104ABB4CBCABDC8AAF103A624C8F6A3EAAB00";
const X4478 = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";
const payment = {
  pspReference: "7914073381342284",
  merchantAccountCode: "TestMerchant",
  merchantReference: "TestPayment-1407325143704",
  amount: { value: 1130, currency: "EUR" },
  eventCode: "AUTHORISATION",
  success: "true",
};

function adyen(
  source: string,
  { secret, item, signature }: { secret: string; item: object; signature: string },
  verdict?: string,
): Vector {
  const signed = { ...item, additionalData: { hmacSignature: signature } };
  const body = { live: "false", notificationItems: [{ NotificationRequestItem: signed }] };
  return {
    name: "Adyen",
    source,
    settings: { scheme: "adyen", secrets: [secret] },
    headers: {},
    body: JSON.stringify(body),
    ...(verdict === undefined ? {} : { verdict }),
  };
}

const sweep = {
  name: "Adyen, signed in the header",
  source: ADYEN_JAVA,
  settings: {
    scheme: "adyen",
    secrets: ["D7DD5BA6146493707BF0BE7496F6404EC7A63616B7158EC927B9F54BB436765F"],
  },
  headers: { HmacSignature: "9Qz9S/0xpar1klkniKdshxpAhRKbiSAewPpWoxKefQA=" },
  body: '{"data":{"balancePlatform":"Integration_tools_test","accountId":"BA32272223222H5HVKTBK4MLB","sweep":{"id":"SWPC42272223222H5HVKV6H8C64DP5","schedule":{"type":"balance"},"status":"active","targetAmount":{"currency":"EUR","value":0},"triggerAmount":{"currency":"EUR","value":0},"type":"pull","counterparty":{"balanceAccountId":"BA3227C223222H5HVKT3H9WLC"},"currency":"EUR"}},"environment":"test","type":"balancePlatform.balanceAccountSweep.updated"}',
};

const vectors: readonly Vector[] = [
  adyen(ADYEN_NODE, {
    secret: DFB1,
    item: {
      pspReference: "pspReference",
      originalReference: "originalReference",
      merchantAccountCode: "merchantAccount",
      merchantReference: "reference",
      amount: { currency: "EUR", value: 1000 },
      eventCode: "CAPTURE",
      success: "true",
    },
    signature: "xhpHvYq2u2Np0rstbZ6QjLGu7JWhvf7Iwaa6EviJSX0=",
  }),
  adyen(ADYEN_NODE, { secret: DFB1, item: payment, signature: "notValidSign" }, "bad_format"),
  adyen(ADYEN_RUBY, {
    secret: X4478,
    item: payment,
    signature: "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=",
  }),
  adyen(ADYEN_PHP, {
    secret: DFB1,
    item: payment,
    signature: "Ny9gS2veKo5E4w8/OL6xz1/wvT/hYkAXy1xNc/QvO4I=",
  }),
  adyen(ADYEN_PHP, {
    secret: DFB1,
    item: { ...payment, merchantReference: " TestPayment-1407325143704" },
    signature: "kLZtgnXU86m/yjnpBD4aqESFgnoDcy1fGOP1Db/L3+4=",
  }),
  adyen(ADYEN_PHP, {
    secret: X4478,
    item: { ...payment, amount: { value: 0, currency: "EUR" }, eventCode: "REFUND" },
    signature: "J7HhsgZo5KwqdB7LFZJV6rfQgp+RqC2kuYyw/3x3w+8=",
  }),
  adyen(ADYEN_PHP, {
    secret: "C56F00E99723D90F65254B00746844BED11BCDD0DD42B26EC980DC1301C6CD20",
    item: {
      ...payment,
      amount: { value: 113_000, currency: "EUR" },
      merchantAccountCode: "PHPApiLibrary",
      merchantReference: "auth:123",
      originalReference: "",
      pspReference: "TEST_CUSTOM_7914073381342284",
    },
    signature: "ovT21mqdbQToGbWssIhnBXAlnkhgKuehtGwvYFf5h2Q=",
  }),
  sweep,
  {
    ...sweep,
    name: "Adyen, another body",
    body: sweep.body.replace("active", "passive"),
    verdict: "mismatch",
  },
];

test.each(vectors)("$name: $source", async (vector) => {
  expect(await verdictOf(vector)).toBe(vector.verdict ?? "genuine");
});

const AUTHENTIC = "Ny9gS2veKo5E4w8/OL6xz1/wvT/hYkAXy1xNc/QvO4I=";

function sent(items: readonly object[], secrets: readonly string[] = [DFB1]): Attempt {
  const notificationItems = items.map((item) => ({ NotificationRequestItem: item }));
  const body = JSON.stringify({ live: "false", notificationItems });
  return { settings: { scheme: "adyen", secrets }, headers: {}, body };
}

function signedBy(hmacSignature: unknown, changed: object = {}): object {
  return { ...payment, additionalData: { hmacSignature }, ...changed };
}

test.each([
  ["without a signature", [payment]],
  ["with an empty signature", [signedBy("")]],
  ["with a signature that is no text", [signedBy(7)]],
  ["with a signature cut short", [signedBy(AUTHENTIC.slice(0, -4))]],
  ["with more behind the signature", [signedBy(`${AUTHENTIC}AAAA`)]],
  ["of too many items", Array.from({ length: 101 }, () => signedBy(AUTHENTIC))],
  ["of no items", []],
])("a notification %s is not looked at further", async (_name, items) => {
  expect(await verdictOf(sent(items))).toBe("bad_format");
});

test.each([
  ["another amount", { amount: { value: 1_131, currency: "EUR" } }],
  ["another currency", { amount: { value: 1_130, currency: "USD" } }],
  ["no amount", { amount: null }],
  ["another outcome", { success: "false" }],
  ["another reference", { merchantReference: "TestPayment-1407325143705" }],
  ["a field more", { originalReference: "1" }],
])("an item with %s than was signed is refused", async (_name, changed) => {
  expect(await verdictOf(sent([signedBy(AUTHENTIC, changed)]))).toBe("mismatch");
});

test("one forged item spoils the others", async () => {
  const forged = signedBy(AUTHENTIC, { pspReference: "another" });
  expect(await verdictOf(sent([signedBy(AUTHENTIC), forged]))).toBe("mismatch");
  expect(await verdictOf(sent([signedBy(AUTHENTIC), payment]))).toBe("bad_format");
});

test("while keys change, both are good", async () => {
  expect(await verdictOf(sent([signedBy(AUTHENTIC)], [X4478, DFB1]))).toBe("genuine 1");
  expect(await verdictOf(sent([signedBy(AUTHENTIC)], [X4478]))).toBe("mismatch");
});

test("a key that is not hexadecimal is no key", async () => {
  expect(await verdictOf(sent([signedBy(AUTHENTIC)], ["not hex"]))).toBe("unknown_key");
});

test("a signature in the header must be right, whatever the items say", async () => {
  const headers = { HmacSignature: AUTHENTIC };
  expect(await verdictOf({ ...sent([signedBy(AUTHENTIC)]), headers })).toBe("mismatch");
});
