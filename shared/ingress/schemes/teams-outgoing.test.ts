import { expect, test } from "vitest";
import { noTools, received } from "../../../test/support/received-webhook.ts";
import { utf8 } from "../../bytes.ts";
import { fromBase64, hmac, toBase64 } from "../crypto.ts";
import { teamsOutgoing } from "./teams-outgoing.ts";

// Source: https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-outgoing-webhook
const CONTOSO = "vqF0En+Z0ucuRTM/01o2GuhMH3hKKk/N2bOmlM31zaA=";
const FABRIKAM = "QgyNSToQjf4p6+YzDpjKks1/tXeJQ7FhVHqRwTnugVI=";
const settings = { scheme: "teams-outgoing" as const, secrets: [FABRIKAM, CONTOSO] };
const activity = {
  type: "message",
  id: "1485983408511",
  timestamp: "2017-02-01T21:10:07.437Z",
  serviceUrl: "https://smba.trafficmanager.net/amer-client-ss.msg/",
  channelId: "msteams",
  conversation: { id: "19:253b1f341670408fb6fe51050b6e5ceb@thread.skype;messageid=1485983194839" },
  text: "<at>MyCustomBot</at> Hello <at>Larry Brown</at>",
};
const BODY = JSON.stringify(activity);

async function signed(body: string, key: Uint8Array<ArrayBuffer>): Promise<string> {
  return `HMAC ${toBase64(await hmac("sha256", key, utf8(body)))}`;
}

async function verify(authorization: string | undefined, secrets = settings.secrets) {
  const headers = new Headers(
    authorization === undefined ? [] : [["Authorization", authorization]],
  );
  const given = { ...settings, secrets };
  const screened = await teamsOutgoing.screen(given, headers, 0);
  const webhook = received({ headers, body: BODY });
  const verified = await teamsOutgoing.verify(given, webhook, noTools);
  if (verified.ok) expect(screened).toEqual({ ok: true });
  return verified.ok ? verified.value.secret : verified.error.reason;
}

const key = fromBase64(CONTOSO) ?? new Uint8Array();

test("the token is the key once it is decoded, and it is told which was used", async () => {
  expect(await verify(await signed(BODY, key))).toBe(1);
  expect(await verify(await signed(BODY, utf8(CONTOSO)))).toBe("mismatch");
});

test.each([
  ["nothing", undefined, "missing_header"],
  ["another scheme", (text: string) => text.replace("HMAC", "Bearer"), "bad_format"],
  ["no scheme", (text: string) => text.slice(5), "bad_format"],
  ["no padding", (text: string) => text.slice(0, -1), "bad_format"],
  ["a byte too few", () => `HMAC ${toBase64(new Uint8Array(31))}`, "bad_format"],
  ["zeroes", () => `HMAC ${toBase64(new Uint8Array(32))}`, "mismatch"],
])("%s is refused", async (_name, change, reason) => {
  expect(await verify(change?.(await signed(BODY, key)))).toBe(reason);
});

test("a token that is no base64 signs nothing, and the one beside it still does", async () => {
  expect(await verify(await signed(BODY, utf8("not base64!")), ["not base64!"])).toBe(
    "unknown_key",
  );
  expect(await verify(await signed(BODY, key), ["not base64!", CONTOSO])).toBe(1);
});

test("the id of the activity in its conversation names it, the conversation is its lane", async () => {
  const result = await teamsOutgoing.identify(settings, received({ body: BODY }));
  const lane = "r:19:253b1f341670408fb6fe51050b6e5ceb@thread.skype;messageid=1485983194839";
  expect(result).toEqual({ ok: true, value: [{ id: `${lane}:1485983408511`, lane }] });
});

test.each(["", "[]", "{}", '{"type":7}', '{"type":""}', "null"])(
  "%j is malformed",
  async (body) => {
    expect(await teamsOutgoing.identify(settings, received({ body }))).toMatchObject({
      error: { reason: "malformed" },
    });
  },
);

test("it is answered with a message that has a text, for Teams shows an error otherwise", async () => {
  const response = teamsOutgoing.accepted(received({ body: BODY }), []);
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ type: "message", text: "Received." });
});
