import { describe, expect, test } from "vitest";
import { noTools, received } from "../../../test/support/received-webhook.ts";
import { concat, toHex, utf8 } from "../../bytes.ts";
import { hmac } from "../crypto.ts";
import { slack } from "./slack.ts";

// Source: https://docs.slack.dev/authentication/verifying-requests-from-slack/ ; the same stands in
// https://github.com/slackapi/python-slack-sdk/blob/main/tests/signature/test_signature_verifier.py
const SECRET = "8f742231b10e8888abcd99yyyzzz85a5";
const AT = "1531420618";
const NOW = 1_531_420_618_000;
const BODY =
  "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
const SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
const HEADERS = { "X-Slack-Signature": SIGNATURE, "X-Slack-Request-Timestamp": AT };

const settings = { scheme: "slack" as const, secrets: [SECRET] };

function form(fields: Record<string, string>): string {
  return new URLSearchParams(fields).toString();
}

async function itemOf(body: unknown, at = AT) {
  const headers = { "X-Slack-Request-Timestamp": at };
  const result = await slack.identify(settings, received({ headers, body }));
  return result.ok ? result.value[0] : result.error.reason;
}

describe("the signature", () => {
  test("Slack's own example is genuine", async () => {
    const webhook = received({ headers: HEADERS, body: BODY, now: NOW });
    expect(await slack.screen(settings, webhook.headers, NOW)).toEqual({ ok: true });
    expect(await slack.verify(settings, webhook, noTools)).toEqual({
      ok: true,
      value: { secret: 0 },
    });
  });

  test("any of the live secrets is good, and it is told which was used", async () => {
    const two = { ...settings, secrets: ["another", SECRET] };
    const webhook = received({ headers: HEADERS, body: BODY, now: NOW });
    expect(await slack.verify(two, webhook, noTools)).toEqual({ ok: true, value: { secret: 1 } });
  });

  test("what is signed are bytes, whether they are text or not", async () => {
    const body = new Uint8Array([0xff, 0xfe, 0x00, 0xc3, 0x28]);
    const signature = toHex(await hmac("sha256", utf8(SECRET), concat([utf8(`v0:${AT}:`), body])));
    const headers = { ...HEADERS, "X-Slack-Signature": `v0=${signature}` };
    const webhook = received({ headers, body, now: NOW });
    expect(await slack.verify(settings, webhook, noTools)).toMatchObject({ ok: true });
  });

  test.each([
    ["another body", HEADERS, `${BODY}&a=b`, "mismatch"],
    ["no body", HEADERS, "", "mismatch"],
    ["no signature", { "X-Slack-Request-Timestamp": AT }, BODY, "missing_header"],
    ["no time", { "X-Slack-Signature": SIGNATURE }, BODY, "missing_header"],
    ["no version", { ...HEADERS, "X-Slack-Signature": SIGNATURE.slice(3) }, BODY, "bad_format"],
    ["v1", { ...HEADERS, "X-Slack-Signature": SIGNATURE.replace("v0", "v1") }, BODY, "bad_format"],
    ["no hex", { ...HEADERS, "X-Slack-Signature": `v0=${"g".repeat(64)}` }, BODY, "bad_format"],
    ["half of it", { ...HEADERS, "X-Slack-Signature": SIGNATURE.slice(0, 35) }, BODY, "bad_format"],
    [
      "two of it",
      { ...HEADERS, "X-Slack-Signature": `${SIGNATURE},${SIGNATURE}` },
      BODY,
      "bad_format",
    ],
    ["another time", { ...HEADERS, "X-Slack-Request-Timestamp": "1531420619" }, BODY, "mismatch"],
    ["a zero before it", { ...HEADERS, "X-Slack-Request-Timestamp": `0${AT}` }, BODY, "mismatch"],
    ["no number", { ...HEADERS, "X-Slack-Request-Timestamp": "1e9" }, BODY, "bad_format"],
  ])("%s is refused", async (_name, headers, body, reason) => {
    const webhook = received({ headers, body, now: NOW });
    expect(await slack.verify(settings, webhook, noTools)).toMatchObject({
      ok: false,
      error: { reason },
    });
  });

  test.each([
    [300_000, undefined],
    [301_000, "stale"],
    [-300_000, undefined],
    [-301_000, "future"],
  ])("%i ms after it was signed", async (ageMs, reason) => {
    const screened = await slack.screen(settings, new Headers(HEADERS), NOW + ageMs);
    expect(screened.ok ? undefined : screened.error.reason).toBe(reason);
  });
});

describe("handshakes", () => {
  // Source: https://docs.slack.dev/reference/events/url_verification
  test("the challenge comes back as it is, as text", async () => {
    const challenge = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P";
    const body = { token: "Jhj5dZrVaK7ZwHHjRyZWjbDl", challenge, type: "url_verification" };
    const response = slack.handshake?.(received({ body }));
    expect(response?.status).toBe(200);
    expect(response?.headers.get("Content-Type")).toBe("text/plain; charset=utf-8");
    expect(response?.headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(await response?.text()).toBe(challenge);
  });

  test("a look at our certificate gets an empty answer", async () => {
    const response = slack.handshake?.(received({ body: "ssl_check=1&token=abc" }));
    expect(response?.status).toBe(200);
    expect(await response?.text()).toBe("");
  });

  test.each([
    BODY,
    "ssl_check=0&token=abc",
    { type: "event_callback", event_id: "Ev1", challenge: "x" },
    { type: "url_verification", challenge: 7 },
    `payload=${encodeURIComponent('{"type":"url_verification","challenge":"x"}')}`,
    "",
  ])("%j is none", (body) => {
    expect(slack.handshake?.(received({ body }))).toBeUndefined();
  });
});

describe("events", () => {
  // Source: https://docs.slack.dev/apis/events-api/#callback-field
  const callback = {
    token: "z26uFbvR1xHJEdHE1OQiO6t8",
    team_id: "T123ABC456",
    api_app_id: "A123ABC456",
    event: {
      type: "message",
      user: "U123ABC456",
      channel: "C123ABC456",
      ts: "1616360254.000100",
    },
    type: "event_callback",
    event_id: "Ev123ABC456",
    event_time: 123_456_789,
  };

  test("its id names it, its channel is its lane", async () => {
    expect(await itemOf(callback)).toEqual({
      id: "r:Ev123ABC456",
      lane: "r:T123ABC456:C123ABC456",
    });
  });

  test("a retry, signed at another time, has the same name", async () => {
    const headers = { "X-Slack-Retry-Num": "2", "X-Slack-Retry-Reason": "http_timeout" };
    const again = received({
      headers: { ...headers, "X-Slack-Request-Timestamp": "1531420918" },
      body: callback,
    });
    expect(await slack.identify(settings, again)).toEqual({
      ok: true,
      value: [await itemOf(callback)],
    });
  });

  test.each([
    ["a thread", { channel: "C1", thread_ts: "12.5" }, "r:T123ABC456:C1:12.5"],
    ["a reaction", { item: { channel: "C1", ts: "1" } }, "r:T123ABC456:C1"],
    ["a renamed channel", { channel: { id: "C1", name: "x" } }, "r:T123ABC456:C1"],
    ["a link", { channel_id: "C1" }, "r:T123ABC456:C1"],
    ["a home tab", { user: "U1" }, "r:T123ABC456"],
    ["odd things", { channel: 7, item: [] }, "r:T123ABC456"],
  ])("%s has its lane", async (_name, event, lane) => {
    expect(await itemOf({ ...callback, event })).toEqual({ id: "r:Ev123ABC456", lane });
  });

  test("an event without an id is named by its bytes, not by the time it was sent", async () => {
    const limited = { type: "app_rate_limited", team_id: "T1", minute_rate_limited: 1_518_467_820 };
    const item = await itemOf(limited);
    expect(item).toMatchObject({ lane: "r:T1" });
    expect(await itemOf(limited, "1531420700")).toEqual(item);
    expect(await itemOf({ ...limited, minute_rate_limited: 1 })).not.toEqual(item);
  });
});

describe("forms", () => {
  test("a command is named by its trigger", async () => {
    expect(await itemOf(BODY)).toEqual({
      id: "r:398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
      lane: "r:T1DC2JH3J:G8PSS9T3V",
    });
  });

  test.each([
    [
      "a button",
      { type: "block_actions", trigger_id: "12.3", team: { id: "T1" }, channel: { id: "C1" } },
      "r:T1:C1",
    ],
    [
      "a button in a thread",
      {
        type: "block_actions",
        trigger_id: "12.3",
        team: { id: "T1" },
        channel: { id: "C1" },
        message: { thread_ts: "9.1" },
      },
      "r:T1:C1:9.1",
    ],
    [
      "a modal",
      { type: "view_submission", trigger_id: "12.3", team: { id: "T1" }, user: { id: "U1" } },
      "r:T1:U1",
    ],
    ["a shortcut without a team", { type: "shortcut", trigger_id: "12.3", team: null }, "r"],
  ])("%s is named by its trigger", async (_name, payload, lane) => {
    const item = await itemOf(form({ payload: JSON.stringify(payload) }));
    expect(item).toEqual({ id: "r:12.3", lane });
  });

  test("what has no trigger is told apart by the time it was signed", async () => {
    const payload = {
      type: "block_suggestion",
      value: "a",
      team: { id: "T1" },
      user: { id: "U1" },
    };
    const body = form({ payload: JSON.stringify(payload) });
    expect(await itemOf(body)).toEqual(await itemOf(body));
    expect(await itemOf(body, "1531420619")).not.toEqual(await itemOf(body));
    expect(await itemOf("command=%2Fask", "1")).not.toEqual(await itemOf("command=%2Fask", "2"));
  });

  test.each([
    "",
    "a=b",
    "payload=",
    "payload=%7B",
    "payload=[]",
    "payload=null",
    "command=",
    "{",
    "[]",
    "{}",
  ])("%j is malformed", async (body) => {
    expect(await itemOf(body)).toBe("malformed");
  });

  test.each([
    ["a command", BODY, ""],
    ["an event", { type: "event_callback", event_id: "Ev1" }, ""],
    ["a modal", form({ payload: '{"type":"view_submission"}' }), ""],
    ["a menu", form({ payload: '{"type":"block_suggestion"}' }), '{"options":[]}'],
    ["a menu of a dialog", form({ payload: '{"type":"dialog_suggestion"}' }), '{"options":[]}'],
  ])("%s is answered with 200", async (_name, body, answer) => {
    const response = slack.accepted(received({ body }), []);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(answer);
    const type = response.headers.get("Content-Type");
    expect(type?.startsWith("application/json") ?? false).toBe(answer !== "");
  });
});
