import { describe, expect, test } from "vitest";
import { noTools, received } from "../../../test/support/received-webhook.ts";
import { signedUrls } from "../twilio-signed.ts";
import { twilio } from "./twilio.ts";

// Sources: https://github.com/twilio/twilio-node/blob/main/spec/validation.spec.js
// and https://github.com/twilio/twilio-python/blob/main/tests/unit/test_request_validator.py
const TOKEN = "12345";
const SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
const ADDRESS = "https://mycompany.com/myapp.php?foo=1&bar=2";
const FORM = new URLSearchParams({
  CallSid: "CA1234567890ABCDE",
  Caller: "+14158675309",
  Digits: "1234",
  From: "+14158675309",
  To: "+18005551212",
}).toString();
const JSON_BODY = '{"property": "value", "boolean": true}';
const HASH = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
const EMPTY_HASH = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

interface Case {
  readonly signature?: string | undefined;
  /** As the edge was called. */
  readonly url?: string;
  /** As Twilio was told. */
  readonly publicUrl?: string;
  readonly body?: string | Uint8Array;
  readonly secrets?: string[];
}

async function verify({
  signature,
  url = ADDRESS,
  publicUrl,
  body = FORM,
  secrets = [TOKEN],
}: Case) {
  const settings = { scheme: "twilio" as const, secrets, url: publicUrl };
  const headers = new Headers(signature === undefined ? [] : [["X-Twilio-Signature", signature]]);
  const webhook = received({ headers, url, body });
  const screened = await twilio.screen(settings, headers, 0);
  const verified = await twilio.verify(settings, webhook, noTools);
  if (verified.ok) expect(screened).toEqual({ ok: true });
  return verified.ok ? verified.value.secret : verified.error.reason;
}

describe("Twilio's own examples", () => {
  test.each<[string, Case]>([
    ["a form", { signature: SIGNATURE }],
    [
      "a port that was left out",
      { signature: SIGNATURE, url: ADDRESS.replace(".com", ".com:1234") },
    ],
    [
      "http with a port",
      {
        signature: "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=",
        url: "http://mycompany.com:1234/myapp.php?foo=1&bar=2",
      },
    ],
    ["port 443 put in", { signature: "kvajT1Ptam85bY51eRf/AJRuM3w=" }],
    [
      "port 80 put in",
      { signature: "0ZXoZLH/DfblKGATFgpif+LLRf4=", url: ADDRESS.replace("https", "http") },
    ],
    [
      "a name and a password in the address",
      {
        signature: "CukzLTc1tT5dXEDIHm/tKBanW10=",
        publicUrl: "https://user:pass@mycompany.com/myapp.php",
      },
    ],
    [
      "a name in the address",
      {
        signature: "2YRLlVAflCqxaNicjMpJcSTgzSs=",
        publicUrl: "https://user@mycompany.com/myapp.php",
      },
    ],
    [
      "a name, a password and a port put in",
      {
        signature: "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI=",
        publicUrl: "https://user:pass@mycompany.com/myapp.php",
      },
    ],
    [
      "an apostrophe",
      { signature: "dsq4Ehbj6cs+KdTkpF5sSSplOWw=", url: `${ADDRESS}&Body=It's+amazing` },
    ],
    [
      "a field with two values",
      {
        signature: "83O6e2vORAoJHUNzJjDWN1jz+BA=",
        body: "MessagingBinding.Address=%2B1325xxxxxxx&MessagingBinding.Address=%2B1415xxxxxxx",
      },
    ],
    [
      "the same the other way round",
      {
        signature: "83O6e2vORAoJHUNzJjDWN1jz+BA=",
        body: "MessagingBinding.Address=%2B1415xxxxxxx&MessagingBinding.Address=%2B1325xxxxxxx",
      },
    ],
    [
      "a value twice",
      {
        signature: "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
        body: "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234",
      },
    ],
    [
      "two values once each",
      {
        signature: "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
        body: "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234",
      },
    ],
    [
      "a body of JSON",
      {
        signature: "a9nBmqA0ju/hNViExpshrM61xv4=",
        url: `${ADDRESS}&bodySHA256=${HASH}`,
        body: JSON_BODY,
      },
    ],
    [
      "an empty object",
      {
        signature: "Ldidvp12m26NI7eqEvxnEpkd9Hc=",
        url: `${ADDRESS}&bodySHA256=${EMPTY_HASH}`,
        body: "{}",
      },
    ],
    [
      "a hash alone in the address",
      {
        signature: "y77kIzt2vzLz71DgmJGsen2scGs=",
        url: `https://mycompany.com/myapp.php?bodySHA256=${HASH}`,
        body: JSON_BODY,
      },
    ],
  ])("%s is genuine", async (_name, given) => {
    expect(await verify(given)).toBe(0);
  });
});

test("an address behind another one is signed as Twilio knows it, with the query it was called with", async () => {
  const given = {
    signature: SIGNATURE,
    url: "https://edge.example/hooks/r?foo=1&bar=2",
    publicUrl: "https://mycompany.com/myapp.php",
  };
  expect(await verify(given)).toBe(0);
  // What the settings say of a query is not what the request had.
  expect(await verify({ ...given, publicUrl: ADDRESS })).toBe(0);
  expect(await verify({ ...given, publicUrl: "https://mycompany.com/myapp.php#rc=2" })).toBe(0);
  expect(await verify({ ...given, url: "https://edge.example/hooks/r?foo=1" })).toBe("mismatch");
});

// As `withLegacyQuerystring` of https://github.com/twilio/twilio-node/blob/main/src/webhooks/webhooks.ts
test("a query may have been read and written again before it was signed", () => {
  const url = new URL("https://a.example/hooks/r?b=1&a=It%27s+(so)&b=2&c");
  const queries = signedUrls(undefined, url).filter((one) => one.startsWith("https://a.example/"));
  expect(queries.map((one) => one.replace(/^.*\?/, ""))).toEqual([
    "b=1&a=It%27s+(so)&b=2&c",
    "b=1&a=It's+(so)&b=2&c",
    "b=1&b=2&a=It's%20(so)&c=",
  ]);
});

test.each([
  ["https://a.example/r?", ["https://a.example/r?", "https://a.example:443/r?"]],
  ["http://[::1]:8787/r", ["http://[::1]/r", "http://[::1]:8787/r"]],
  ["http://a.example/r", ["http://a.example/r", "http://a.example:80/r"]],
])("%s is signed with and without its port", (url, expected) => {
  expect(signedUrls(undefined, new URL(url))).toEqual(expected);
});

test("any of the live tokens is good, and it is told which was used", async () => {
  expect(await verify({ signature: SIGNATURE, secrets: ["old", TOKEN] })).toBe(1);
});

test.each<[string, Case, string]>([
  ["nothing", {}, "missing_header"],
  ["an empty signature", { signature: "" }, "bad_format"],
  ["Twilio's own wrong one", { signature: "WRONG_SIGNATURE" }, "bad_format"],
  ["one without padding", { signature: SIGNATURE.slice(0, -1) }, "bad_format"],
  ["one in hex", { signature: "45239".padEnd(40, "0") }, "bad_format"],
  ["another token", { signature: SIGNATURE, secrets: ["12346"] }, "mismatch"],
  ["another address", { signature: SIGNATURE, url: `${ADDRESS}&a=b` }, "mismatch"],
  ["another path", { signature: SIGNATURE, url: ADDRESS.replace("myapp", "other") }, "mismatch"],
  ["another host", { signature: SIGNATURE, url: ADDRESS.replace("my", "your") }, "mismatch"],
  ["a field more", { signature: SIGNATURE, body: `${FORM}&A=1` }, "mismatch"],
  [
    "a thousand fields more",
    { signature: SIGNATURE, body: FORM + "&a".repeat(1_000) },
    "bad_format",
  ],
  ["no fields", { signature: SIGNATURE, body: "" }, "mismatch"],
  ["a value changed", { signature: SIGNATURE, body: FORM.replace("1234", "1235") }, "mismatch"],
  [
    "another body of JSON",
    {
      signature: "a9nBmqA0ju/hNViExpshrM61xv4=",
      url: `${ADDRESS}&bodySHA256=${HASH}`,
      body: '{"property":"value","boolean":true}',
    },
    "mismatch",
  ],
  [
    "a hash that is none",
    { signature: SIGNATURE, url: `${ADDRESS}&bodySHA256=`, body: FORM },
    "mismatch",
  ],
  [
    "two hashes, of which the second is right",
    {
      signature: "a9nBmqA0ju/hNViExpshrM61xv4=",
      url: `${ADDRESS}&bodySHA256=${EMPTY_HASH}&bodySHA256=${HASH}`,
      body: JSON_BODY,
    },
    "mismatch",
  ],
  [
    "bytes that are no text",
    { signature: SIGNATURE, body: new Uint8Array([0xff, 0x3d]) },
    "mismatch",
  ],
])("%s is refused", async (_name, given, reason) => {
  expect(await verify(given)).toBe(reason);
});

describe("events", () => {
  const settings = { scheme: "twilio" as const, secrets: [TOKEN] };
  const account = { AccountSid: "AC1" };
  const sides = { From: "+15551", To: "+15552" };

  async function itemOf(fields: Record<string, string> | string, token?: string) {
    const headers = new Headers(token === undefined ? [] : [["I-Twilio-Idempotency-Token", token]]);
    const body = typeof fields === "string" ? fields : new URLSearchParams(fields).toString();
    const result = await twilio.identify(settings, received({ headers, body }));
    return result.ok ? result.value[0] : result.error.reason;
  }

  test.each([
    ["a message", { MessageSid: "SM1", SmsStatus: "received" }, "r:SM1:received"],
    ["a message without a status", { MessageSid: "SM1" }, "r:SM1:received"],
    ["a step of ours", { MessageSid: "SM1", MessageStatus: "sent", SmsStatus: "x" }, "r:SM1:sent"],
    ["a message of old", { SmsSid: "SM2", SmsStatus: "delivered" }, "r:SM2:delivered"],
    [
      "a recording",
      { CallSid: "CA1", RecordingSid: "RE1", RecordingStatus: "completed" },
      "r:RE1:completed",
    ],
    [
      "a step of a call",
      { CallSid: "CA1", CallStatus: "ringing", SequenceNumber: "1" },
      "r:CA1:ringing:1",
    ],
  ])("%s is named by its ids", async (_name, fields, id) => {
    const item = await itemOf({ ...account, ...sides, ...fields });
    expect(item).toEqual({ id, lane: "r:+15551/+15552" });
    // Twilio tries again with the same fields, in whatever order, under another token.
    expect(await itemOf({ ...fields, ...sides, ...account }, "other")).toEqual(item);
  });

  test("a call that asks twice for its next step asks twice, and a retry of it once", async () => {
    const call = { ...account, ...sides, CallSid: "CA1", CallStatus: "in-progress", Digits: "1" };
    expect(await itemOf(call, "token-1")).toEqual(await itemOf(call, "token-1"));
    expect(await itemOf(call, "token-1")).not.toEqual(await itemOf(call, "token-2"));
    expect(await itemOf(call)).toEqual(await itemOf(call));
    expect(await itemOf(call)).not.toEqual(await itemOf({ ...call, Digits: "2" }));
  });

  test("what we write and what is written to us have one lane", async () => {
    const there = { ...account, MessageSid: "SM1", From: "whatsapp:+1", To: "whatsapp:+2" };
    const back = { ...account, MessageSid: "SM2", From: "whatsapp:+2", To: "whatsapp:+1" };
    const lane = "r:whatsapp:+1/whatsapp:+2";
    expect(await itemOf(there)).toMatchObject({ lane });
    expect(await itemOf(back)).toMatchObject({ lane });
  });

  test("a message of a conversation that is added and then changed is two events", async () => {
    const added = {
      ...account,
      EventType: "onMessageAdded",
      MessageSid: "IM1",
      ConversationSid: "CH1",
    };
    const changed = { ...added, EventType: "onMessageUpdated", Body: "b" };
    expect(await itemOf(added)).toMatchObject({ lane: "r:CH1" });
    expect(await itemOf(added)).not.toEqual(await itemOf(changed));
  });

  test("JSON is named by its bytes", async () => {
    const item = { id: expect.stringMatching(/^r:[\w-]{43}$/), lane: "r" };
    expect(await itemOf(JSON_BODY)).toEqual(item);
    expect(await itemOf('[{"id":"EZ1"}]')).toEqual(item);
  });

  test.each(["", "a=b", "{", "[", "null", "AccountSid"])("%j", async (body) => {
    const expected = body === "AccountSid" ? { lane: "r" } : "malformed";
    const item = await itemOf(body);
    expect(typeof item === "string" ? item : { lane: item?.lane }).toEqual(expected);
  });

  test("the answer is TwiML that does nothing", async () => {
    const response = twilio.accepted(received(), []);
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("text/xml");
    expect(await response.text()).toBe('<?xml version="1.0" encoding="UTF-8"?><Response/>');
  });
});
