/** Slack: what happens in a workspace, a command, a button. */
import { conversationOf, type Draft, type Handshake, OK, type Sender, TEXT } from "./sender.ts";
import {
  flipped,
  form,
  FORM_TYPE,
  hexKeys,
  hmacText,
  json,
  JSON_TYPE,
  type Keys,
  live,
  seconds,
} from "./signing.ts";

export function slackSenders(): Sender[] {
  return [slackEvents(), slackCommand(), slackButton()];
}

/** Source: https://docs.slack.dev/authentication/verifying-requests-from-slack/ */
function slackHeaders(keys: Keys, { at, key }: Draft, body: Uint8Array): Record<string, string> {
  const time = seconds(at);
  return {
    "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
    "X-Slack-Request-Timestamp": time,
    "X-Slack-Signature": `v0=${hmacText("sha256", keys[key], [`v0:${time}:`, body], "hex")}`,
  };
}

function slackSender(
  name: string,
  parts: (event: number) => { type: Readonly<Record<string, string>>; body: Handshake["body"] },
  id: (event: number) => string,
  more: (keys: Keys) => Pick<Sender, "handshakes">,
): Sender {
  const keys = hexKeys();
  return {
    name,
    scheme: "slack",
    verification: { scheme: "slack", secrets: live(keys) },
    signsTime: true,
    tamper: flipped,
    send: (event, draft) => {
      const { type, body } = parts(event);
      return {
        method: "POST",
        query: "",
        headers: { ...type, ...slackHeaders(keys, draft, body) },
        body,
        items: [{ id: id(event), lane: `T061EG9R6:C${conversationOf(event)}` }],
        answer: OK,
      };
    },
    ...more(keys),
  };
}

function slackEvents(): Sender {
  return slackSender(
    "slack-events",
    (event) => ({
      type: JSON_TYPE,
      body: json({
        token: "verification-token-of-old",
        team_id: "T061EG9R6",
        api_app_id: "A0MDYCDME",
        event: {
          type: "message",
          channel: `C${conversationOf(event)}`,
          user: "U2147483697",
          text: TEXT,
          ts: `1790000${event}.000200`,
        },
        type: "event_callback",
        event_id: `Ev0PV52K${event}`,
        event_time: 1_790_000_000 + event,
      }),
    }),
    (event) => `Ev0PV52K${event}`,
    (keys) => ({
      handshakes: (draft) => {
        const challenge = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P";
        const body = json({ token: "Jhj5dZrVaK7", challenge, type: "url_verification" });
        return [
          {
            what: "the challenge of a new address",
            method: "POST",
            query: "",
            headers: { ...JSON_TYPE, ...slackHeaders(keys, draft, body) },
            body,
            answer: { status: 200, contentType: "text/plain", body: challenge },
          },
        ];
      },
    }),
  );
}

function slackCommand(): Sender {
  const ssl = form({ ssl_check: "1", token: "Jhj5dZrVaK7" });
  return slackSender(
    "slack-command",
    (event) => ({
      type: FORM_TYPE,
      body: form({
        team_id: "T061EG9R6",
        channel_id: `C${conversationOf(event)}`,
        user_id: "U2147483697",
        command: "/ask",
        text: TEXT,
        trigger_id: `13345224609.738474920.${event}`,
        response_url: "https://hooks.slack.com/commands/1234/5678",
      }),
    }),
    (event) => `13345224609.738474920.${event}`,
    (keys) => ({
      handshakes: (draft) => [
        {
          what: "the check of a certificate",
          method: "POST",
          query: "",
          headers: { ...FORM_TYPE, ...slackHeaders(keys, draft, ssl) },
          body: ssl,
          answer: OK,
        },
      ],
    }),
  );
}

function slackButton(): Sender {
  return slackSender(
    "slack-button",
    (event) => ({
      type: FORM_TYPE,
      body: form({
        payload: JSON.stringify({
          type: "block_actions",
          team: { id: "T061EG9R6" },
          user: { id: "U2147483697", name: TEXT },
          channel: { id: `C${conversationOf(event)}`, name: "general" },
          trigger_id: `12466734323.${event}.1395872398`,
          actions: [{ action_id: "approve", value: String(event), type: "button" }],
        }),
      }),
    }),
    (event) => `12466734323.${event}.1395872398`,
    () => ({}),
  );
}
