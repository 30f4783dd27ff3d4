/** Senders of chats that put many events into one request: those of Meta, and LINE. */
import { digestOf } from "../../../shared/constant-time.ts";
import { conversationOf, type Draft, OK, type Sender, TEXT } from "./sender.ts";
import { flipped, hexKeys, hmacText, json, JSON_TYPE, live } from "./signing.ts";

export async function chatSenders(): Promise<Sender[]> {
  return [...(await metaSenders()), line()];
}

/** Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks */
async function metaSenders(): Promise<Sender[]> {
  const whatsapp = await metaSender("whatsapp", (event) => {
    const from = `49160${conversationOf(event)}`;
    const message = { from, type: "text", text: { body: TEXT }, timestamp: "1790000000" };
    const value = {
      messaging_product: "whatsapp",
      metadata: { display_phone_number: "15550783881", phone_number_id: "106540352242922" },
      contacts: [{ profile: { name: "Zoë 🦊" }, wa_id: from }],
      messages: [
        { ...message, id: `wamid.A${event}==` },
        { ...message, id: `wamid.B${event}==`, from: "4916099" },
      ],
    };
    const statuses = [{ id: `wamid.S${event}==`, status: "read", recipient_id: from }];
    const changes = [
      { field: "messages", value },
      { field: "messages", value: { ...value, messages: undefined, statuses } },
    ];
    return {
      body: { object: "whatsapp_business_account", entry: [{ id: "102290129340398", changes }] },
      items: [
        { id: `wamid.A${event}==`, lane: `106540352242922:${from}` },
        { id: `wamid.B${event}==`, lane: "106540352242922:4916099" },
        { id: `wamid.S${event}==:read`, lane: `106540352242922:${from}` },
      ],
    };
  });
  const messenger = await metaSender("messenger", (event) => {
    const mid = `m_${event}kXdT`;
    const sender = { id: `60${conversationOf(event)}` };
    const one = { sender, recipient: { id: "682498302938465" }, timestamp: 1_790_000_000_000 };
    const messaging = [{ ...one, message: { mid, text: TEXT } }];
    return {
      body: { object: "page", entry: [{ id: "682498302938465", time: 1, messaging }] },
      items: [{ id: mid, lane: `682498302938465:${sender.id}` }],
    };
  });
  return [whatsapp, messenger];
}

async function metaSender(
  name: string,
  make: (
    event: number,
  ) => { readonly body: object } & Pick<Awaited<ReturnType<Sender["send"]>>, "items">,
): Promise<Sender> {
  const keys = hexKeys();
  const token = "a token to verify with, ümlaut & all";
  const verifyTokens = [await digestOf("another"), await digestOf(token)];
  const get = { method: "GET", headers: {}, body: new Uint8Array() } as const;
  return {
    name,
    scheme: "meta",
    verification: { scheme: "meta", secrets: live(keys), verifyTokens },
    signsTime: false,
    tamper: flipped,
    send: (event, { key }) => {
      const { body, items } = make(event);
      const bytes = json(body);
      return {
        method: "POST",
        query: "",
        headers: {
          ...JSON_TYPE,
          "User-Agent": "facebookexternalua",
          "X-Hub-Signature": `sha1=${hmacText("sha1", keys[key], [bytes], "hex")}`,
          "X-Hub-Signature-256": `sha256=${hmacText("sha256", keys[key], [bytes], "hex")}`,
        },
        body: bytes,
        items,
        answer: OK,
      };
    },
    handshakes: ({ key }) => [
      {
        what: "a subscription with our token",
        ...get,
        query: subscription(key === "stranger" ? "a guess" : token),
        answer: { status: 200, contentType: "text/plain", body: "1158201444" },
      },
    ],
  };
}

function subscription(verifyToken: string): string {
  const fields = { "hub.mode": "subscribe", "hub.verify_token": verifyToken };
  return `?${new URLSearchParams({ ...fields, "hub.challenge": "1158201444" }).toString()}`;
}

/** Source: https://developers.line.biz/en/reference/messaging-api/#webhooks */
function line(): Sender {
  const keys = hexKeys();
  const signed = (body: Uint8Array<ArrayBuffer>, { key }: Draft) => ({
    method: "POST" as const,
    query: "",
    headers: {
      "Content-Type": "application/json; charset=utf-8",
      "User-Agent": "LineBotWebhook/2.0",
      "x-line-signature": hmacText("sha256", keys[key], [body], "base64"),
    },
    body,
  });
  return {
    name: "line",
    scheme: "line",
    verification: { scheme: "line", secrets: live(keys) },
    signsTime: false,
    tamper: flipped,
    send: (event, draft) => {
      const users = [`U${conversationOf(event)}`, "U4af4980629"] as const;
      const events = [lineMessage(event, "A", users[0]), lineMessage(event, "B", users[1])];
      return {
        ...signed(json({ destination: "xxxxxxxxxx", events }), draft),
        items: events.map(({ webhookEventId, source }) => ({
          id: webhookEventId,
          lane: source.userId,
        })),
        answer: OK,
      };
    },
    handshakes: (draft) => [
      {
        what: "the button Verify",
        ...signed(json({ destination: "xxxxxxxxxx", events: [] }), draft),
        answer: OK,
      },
    ],
  };
}

function lineMessage(event: number, half: string, userId: string) {
  return {
    type: "message",
    message: { type: "text", id: `${event}${half}`, text: TEXT },
    timestamp: 1_790_000_000_000,
    source: { type: "user", userId },
    webhookEventId: `01FZ74A0TDDPYRVKNK77XKC3${event}${half}`,
    deliveryContext: { isRedelivery: false },
  };
}
