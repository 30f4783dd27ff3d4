/** What chat platforms send. Pure. */
import { type Made, SAMPLE_TEXT, type SampleSeed, seconds } from "./sample-made.ts";

const SLACK_TEAM = { team_id: "T0SAMPLE", api_app_id: "A0SAMPLE" };

export function slackEvent(event: string, { id, now }: SampleSeed): Made {
  const ts = (now / 1000).toFixed(6);
  return {
    body: {
      ...SLACK_TEAM,
      type: "event_callback",
      event_id: `Ev${id}`,
      event_time: seconds(now),
      event: {
        type: event,
        user: "U0SAMPLE",
        text: SAMPLE_TEXT,
        ts,
        channel: "C0SAMPLE",
        event_ts: ts,
      },
    },
  };
}

export function slackCommand(_event: string, { id }: SampleSeed): Made {
  return {
    isForm: true,
    body: {
      ...SLACK_TEAM,
      user_id: "U0SAMPLE",
      channel_id: "C0SAMPLE",
      command: "/sample",
      text: SAMPLE_TEXT,
      // No response_url: a late answer would be posted to Slack.
      trigger_id: id,
    },
  };
}

export function telegram(_event: string, { now }: SampleSeed): Made {
  const from = { id: 1, is_bot: false, first_name: "Sample" };
  const chat = { id: 1, type: "private", first_name: "Sample" };
  const message = {
    message_id: seconds(now) % 2 ** 31,
    from,
    chat,
    date: seconds(now),
    text: SAMPLE_TEXT,
  };
  return { body: { update_id: now % 2 ** 31, message } };
}

export function whatsapp(_event: string, { id, now }: SampleSeed): Made {
  const value = {
    messaging_product: "whatsapp",
    metadata: { display_phone_number: "15550000000", phone_number_id: "1" },
    contacts: [{ profile: { name: "Sample" }, wa_id: "15551111111" }],
    messages: [
      {
        from: "15551111111",
        id: `wamid.${id}`,
        timestamp: String(seconds(now)),
        type: "text",
        text: { body: SAMPLE_TEXT },
      },
    ],
  };
  return {
    body: {
      object: "whatsapp_business_account",
      entry: [{ id: "1", changes: [{ field: "messages", value }] }],
    },
  };
}

export function line(_event: string, { id, now }: SampleSeed): Made {
  const event = {
    type: "message",
    mode: "active",
    timestamp: now,
    webhookEventId: id,
    deliveryContext: { isRedelivery: false },
    replyToken: "sample",
    source: { type: "user", userId: "Usample" },
    message: { id: String(now), type: "text", text: SAMPLE_TEXT },
  };
  return { body: { destination: "Usample", events: [event] } };
}

export function twilio(_event: string, { id }: SampleSeed): Made {
  const sid = `SM${id.replaceAll("-", "")}`;
  return {
    isForm: true,
    headers: { "i-twilio-idempotency-token": id },
    body: {
      MessageSid: sid,
      SmsMessageSid: sid,
      AccountSid: "AC00000000000000000000000000000000",
      From: "+15551111111",
      To: "+15550000000",
      Body: SAMPLE_TEXT,
      NumMedia: "0",
    },
  };
}
