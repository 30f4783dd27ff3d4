/** HubSpot's own examples: its documents and the test suites of its SDKs. */
import { expect, test } from "vitest";
import { type Attempt, verdictOf } from "../../../test/support/webhooks.ts";

interface Vector extends Attempt {
  readonly name: string;
  readonly source: string;
  /** `genuine` unless said otherwise. */
  readonly verdict?: string;
}

const HUBSPOT_DOCS =
  "https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests";
const HUBSPOT_RUBY =
  "https://github.com/HubSpot/hubspot-api-ruby/blob/master/spec/helpers/signature_spec.rb";
const HUBSPOT_PYTHON =
  "https://github.com/HubSpot/hubspot-api-python/blob/master/tests/spec/utils/test_signature.py";

const hubspotSettings = { scheme: "hubspot", secrets: ["yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"] };
const hubspotEvents =
  '[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]';

function hubspot(version: string, signature: string, extra: Partial<Vector> = {}): Vector {
  return {
    name: `HubSpot ${version}`,
    source: HUBSPOT_DOCS,
    settings: hubspotSettings,
    headers: { "X-HubSpot-Signature": signature, "X-HubSpot-Signature-Version": version },
    body: "{'example_field':'example_value'}",
    url: "https://www.example.com/webhook_uri",
    ...extra,
  };
}

function hubspot3(signature: string, at: number, extra: Partial<Vector> = {}): Vector {
  const headers = {
    "X-HubSpot-Signature-v3": signature,
    "X-HubSpot-Request-Timestamp": String(at * 1_000),
  };
  return hubspot("v3", "", { headers, at, ...extra });
}

const vectors: readonly Vector[] = [
  hubspot("v1", "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de", {
    body: hubspotEvents,
  }),
  hubspot("v2", "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e", {
    body: "",
    method: "GET",
    name: "HubSpot v2, GET",
  }),
  hubspot("v2", "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900", {
    body: '{"example_field":"example_value"}',
  }),
  hubspot("v1", "69fc6631a867edd4f9e9e627fc5c1148e3fbdd8b21837b6d2b8901c1fa57f750", {
    source: HUBSPOT_RUBY,
  }),
  hubspot("v2", "4fe4e3a7d3cf09db53be39d0a58130e2aaba074ec123a9e355b876a689a1c383", {
    source: HUBSPOT_RUBY,
  }),
  hubspot("v9", "69fc6631a867edd4f9e9e627fc5c1148e3fbdd8b21837b6d2b8901c1fa57f750", {
    verdict: "bad_format",
  }),
  hubspot3("RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw=", 1_700_000_300, { source: HUBSPOT_RUBY }),
  hubspot3("K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=", 1_693_657_560, {
    source: HUBSPOT_PYTHON,
  }),
  hubspot3("pGaqipPiYpnRzTHQquj/LJH83HMaMUaJ132HqlEOjx8=", 1_700_000_000, {
    name: "HubSpot v3, an address it decodes",
    body: hubspotEvents,
    url: "https://www.example.com/webhook_uri?x=a%3Ab",
  }),
];

test.each(vectors)("$name: $source", async (vector) => {
  expect(await verdictOf(vector)).toBe(vector.verdict ?? "genuine");
});

const GENUINE_V3 = "RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw=";
const GENUINE_V1 = "69fc6631a867edd4f9e9e627fc5c1148e3fbdd8b21837b6d2b8901c1fa57f750";

test.each([
  ["in another method", { method: "PUT" }, "mismatch"],
  ["at another address", { url: "https://www.example.com/webhook_uri/" }, "mismatch"],
  ["at another scheme of it", { url: "http://www.example.com/webhook_uri" }, "mismatch"],
  ["five minutes late", { at: 1_700_000_601 }, "stale"],
  ["five minutes early", { at: 1_699_999_999 }, "future"],
])("the third version %s is refused", async (_name, changed, verdict) => {
  expect(await verdictOf({ ...hubspot3(GENUINE_V3, 1_700_000_300), ...changed })).toBe(verdict);
});

test("the address that HubSpot was given counts, not the one it came by", async () => {
  const settings = { ...hubspotSettings, url: "https://www.example.com/webhook_uri" };
  const vector = hubspot3(GENUINE_V3, 1_700_000_300, { settings, url: "https://edge.example/r" });
  expect(await verdictOf(vector)).toBe("genuine");
});

test("an older version does not help a newest one that is wrong", async () => {
  const stale = hubspot3(GENUINE_V3, 1_700_000_300, { at: 1_800_000_000 });
  const headers = new Headers(stale.headers);
  for (const [name, value] of new Headers(hubspot("v1", GENUINE_V1).headers)) {
    headers.set(name, value);
  }
  expect(await verdictOf({ ...stale, headers })).toBe("stale");
});

test.each([
  ["of no version", GENUINE_V1, null, "missing_header"],
  ["that is not there", null, "v1", "missing_header"],
  ["of too few digits", GENUINE_V1.slice(2), "v1", "bad_format"],
  ["of no digits", GENUINE_V1.replace("6", "g"), "v1", "bad_format"],
  ["of another hash", GENUINE_V1.replace("6", "7"), "v1", "mismatch"],
])("an old signature %s is refused", async (_name, signature, version, verdict) => {
  const headers = new Headers();
  if (signature !== null) headers.set("X-HubSpot-Signature", signature);
  if (version !== null) headers.set("X-HubSpot-Signature-Version", version);
  expect(await verdictOf(hubspot("v1", "", { headers }))).toBe(verdict);
});

test("with an old signature too, both live secrets are good", async () => {
  const settings = { scheme: "hubspot", secrets: ["new", "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"] };
  expect(await verdictOf(hubspot("v1", GENUINE_V1, { settings }))).toBe("genuine 1");
});
