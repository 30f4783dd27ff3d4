/** Senders that sign the address they call as well: Twilio and HubSpot. And SendGrid, which is Twilio's. */
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { getExpectedBodyHash, getExpectedTwilioSignature } from "twilio/lib/webhooks/webhooks.js";
import { fromUtf8 } from "../../../shared/bytes.ts";
import { type Answer, conversationOf, type Draft, OK, type Sender, TEXT } from "./sender.ts";
import {
  flipped,
  form,
  FORM_TYPE,
  hexKeys,
  hmacText,
  json,
  JSON_TYPE,
  keysOf,
  live,
  seconds,
} from "./signing.ts";

export function addressedSenders(): Sender[] {
  return [
    twilioForm("twilio"),
    twilioForm("twilio-proxied", "https://hooks.example.com/hooks/twilio-proxied"),
    twilioJson(),
    hubspot(1),
    hubspot(2),
    hubspot(3),
    sendgrid(),
  ];
}

const TWIML: Answer = {
  status: 200,
  contentType: "text/xml",
  body: '<?xml version="1.0" encoding="UTF-8"?><Response/>',
};

/** A message, signed by Twilio's own package. @param publicUrl - What the sender calls the address. */
function twilioForm(name: string, publicUrl?: string): Sender {
  const keys = hexKeys();
  const query = "?tenant=a%20b&kind=sms";
  const url = publicUrl === undefined ? {} : { url: publicUrl };
  return {
    name,
    scheme: "twilio",
    verification: { scheme: "twilio", secrets: live(keys), ...url },
    signsTime: false,
    tamper: flipped,
    send: (event, { url: called, key }) => {
      const from = `+49160${conversationOf(event)}`;
      const fields = {
        ToCountry: "US",
        MessageSid: `SM1ea9${String(event).padStart(28, "0")}`,
        AccountSid: "AC0123456789abcdef0123456789abcdef",
        From: from,
        To: "+15017122661",
        Body: TEXT,
        NumMedia: "0",
        SmsStatus: "received",
      };
      const address = `${publicUrl ?? called}${query}`;
      return {
        method: "POST",
        query,
        headers: {
          ...FORM_TYPE,
          "User-Agent": "TwilioProxy/1.1",
          "I-Twilio-Idempotency-Token": `b2d4f1e0-${event}`,
          "X-Twilio-Signature": getExpectedTwilioSignature(keys[key], address, fields),
        },
        body: form(fields),
        items: [{ id: `${fields.MessageSid}:received`, lane: `${fields.To}/${from}` }],
        answer: TWIML,
      };
    },
  };
}

/** An event in JSON: the address alone is signed, and the body's hash stands in it. */
function twilioJson(): Sender {
  const keys = hexKeys();
  return {
    name: "twilio-json",
    scheme: "twilio",
    verification: { scheme: "twilio", secrets: live(keys) },
    signsTime: false,
    tamper: flipped,
    send: (event, { url, key }) => {
      const body = json({ MessageSid: `SM2fb8${event}`, text: TEXT });
      const query = `?a=1&bodySHA256=${getExpectedBodyHash(fromUtf8(body))}`;
      return {
        method: "POST",
        query,
        headers: {
          ...JSON_TYPE,
          "X-Twilio-Signature": getExpectedTwilioSignature(keys[key], `${url}${query}`, {}),
        },
        body,
        items: [{ id: undefined, lane: "" }],
        answer: TWIML,
      };
    },
  };
}

/** Source: https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests */
function hubspot(version: 1 | 2 | 3): Sender {
  const keys = keysOf(() => crypto.randomUUID());
  const proof = (secret: string, { url, at }: Draft, body: Uint8Array): Record<string, string> => {
    if (version === 3) {
      const signed = ["POST", url, body, String(at)];
      return {
        "X-HubSpot-Request-Timestamp": String(at),
        "X-HubSpot-Signature-v3": hmacText("sha256", secret, signed, "base64"),
      };
    }
    const hash = createHash("sha256").update(secret);
    if (version === 2) hash.update(`POST${url}`);
    return {
      "X-HubSpot-Signature": hash.update(body).digest("hex"),
      "X-HubSpot-Signature-Version": `v${version}`,
    };
  };
  return {
    name: `hubspot-v${version}`,
    scheme: "hubspot",
    verification: { scheme: "hubspot", secrets: live(keys) },
    signsTime: version === 3,
    tamper: flipped,
    send: (event, draft) => {
      const occurredAt = 1_790_000_000_000 + event;
      const one = {
        portalId: 62_515,
        appId: 54_321,
        subscriptionId: 12,
        occurredAt,
        attemptNumber: 0,
      };
      const body = json(
        ["A", "B"].map((half, index) => ({
          eventId: event * 10 + index,
          ...one,
          subscriptionType: "contact.propertyChange",
          objectId: 1_246 + conversationOf(event),
          propertyName: "firstname",
          propertyValue: `${TEXT} ${half}`,
        })),
      );
      return {
        method: "POST",
        query: "",
        headers: { ...JSON_TYPE, ...proof(keys[draft.key], draft, body) },
        body,
        items: [0, 1].map(() => ({ id: undefined, lane: String(1_246 + conversationOf(event)) })),
        answer: OK,
      };
    },
  };
}

/** ECDSA; two events. Source: https://github.com/sendgrid/sendgrid-nodejs, packages/eventwebhook */
function sendgrid(): Sender {
  const pairs = keysOf(() => {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const spki = publicKey.export({ type: "spki", format: "der" });
    return { privateKey, spki: spki.toString("base64") };
  });
  return {
    name: "sendgrid",
    scheme: "sendgrid",
    verification: {
      scheme: "sendgrid",
      publicKeys: live(pairs).map(({ spki }) => spki),
      toleranceSeconds: 600,
    },
    signsTime: true,
    tamper: flipped,
    send: (event, { at, key }) => {
      const email = `zoe+${conversationOf(event)}@example.com`;
      const events = ["processed", "delivered"].map((kind) => ({
        email,
        timestamp: 1_790_000_000,
        event: kind,
        category: TEXT,
        sg_event_id: `rbtnWrG1DVDGGGFHFyun0A${kind}${event}`,
        sg_message_id: `14c5d75ce93.dfd.64b469.filter${conversationOf(event)}`,
      }));
      const body = new Uint8Array(Buffer.concat([json(events), Buffer.from("\r\n")]));
      const signed = Buffer.concat([Buffer.from(seconds(at)), body]);
      const signature = sign("sha256", signed, pairs[key].privateKey).toString("base64");
      return {
        method: "POST",
        query: "",
        headers: {
          ...JSON_TYPE,
          "X-Twilio-Email-Event-Webhook-Signature": signature,
          "X-Twilio-Email-Event-Webhook-Timestamp": seconds(at),
        },
        body,
        items: events.map(({ sg_event_id: id }) => ({ id, lane: events[0]?.sg_message_id ?? "" })),
        answer: OK,
      };
    },
  };
}
