/** Senders that tell of money: Stripe, Shopify, Paddle, Square, Adyen. */
import { Stripe } from "stripe";
import { fromUtf8 } from "../../../shared/bytes.ts";
import { conversationOf, type Draft, OK, type Sender, TEXT } from "./sender.ts";
import {
  base64Keys,
  flipped,
  hexKeys,
  hmacText,
  json,
  JSON_TYPE,
  type Keys,
  keysOf,
  live,
  seconds,
  uuid,
} from "./signing.ts";

export function moneySenders(): Sender[] {
  return [stripe(), shopify("shopify", "X-Shopify-Hmac-SHA256"), paddle(), square(), adyen()];
}

/** Signed by Stripe's own package. */
function stripe(): Sender {
  const { webhooks } = new Stripe("sk_test_not_used");
  const keys = keysOf(() => `whsec_${hexKeys().first}`);
  return {
    name: "stripe",
    scheme: "stripe",
    verification: { scheme: "stripe", secrets: live(keys) },
    signsTime: true,
    tamper: flipped,
    send: (event, { at, key }) => {
      const id = `evt_1NG8Du2eZvKYlo2C${event}`;
      const object = {
        id: `ch_${conversationOf(event)}`,
        object: "charge",
        amount: 2_000,
        description: TEXT,
      };
      const type = "charge.succeeded";
      const body = json({ id, object: "event", api_version: "2026-10-29", data: { object }, type });
      const header = webhooks.generateTestHeaderString({
        payload: fromUtf8(body),
        secret: keys[key],
        timestamp: Math.floor(at / 1_000),
      });
      return {
        method: "POST",
        query: "",
        headers: {
          "Content-Type": "application/json; charset=utf-8",
          "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
          // The old kind of signature, which counts for nothing, stands beside it in test mode.
          "Stripe-Signature": `${header},v0=${"6".repeat(64)}`,
        },
        body,
        items: [{ id, lane: object.id }],
        answer: OK,
      };
    },
  };
}

/** Source: https://shopify.dev/docs/apps/build/webhooks/verify-deliveries */
function shopify(name: string, header: string): Sender {
  const keys = keysOf(() => `shpss_${hexKeys().first}`);
  return {
    name,
    scheme: "shopify",
    verification: { scheme: "shopify", secrets: live(keys) },
    signsTime: false,
    tamper: flipped,
    send: (event, { at, key }) => {
      const order = 820_982_911_946 + conversationOf(event);
      const body = json({ id: order, note: `${TEXT} ${event}`, currency: "EUR" });
      return {
        method: "POST",
        query: "",
        headers: {
          ...JSON_TYPE,
          "X-Shopify-Topic": "orders/create",
          "X-Shopify-Shop-Domain": "example.myshopify.com",
          "X-Shopify-API-Version": "2026-10",
          "X-Shopify-Webhook-Id": uuid(event),
          "X-Shopify-Event-Id": uuid(event + 4_000),
          "X-Shopify-Triggered-At": new Date(at).toISOString(),
          [header]: hmacText("sha256", keys[key], [body], "base64"),
        },
        body,
        items: [
          { id: `${uuid(event + 4_000)}.orders/create.${order}`, lane: `orders/create:${order}` },
        ],
        answer: OK,
      };
    },
  };
}

/** Source: https://developer.paddle.com/webhooks/signature-verification */
function paddle(): Sender {
  const keys = keysOf(() => `pdl_ntfset_${hexKeys().first}`);
  return {
    name: "paddle",
    scheme: "paddle",
    verification: { scheme: "paddle", secrets: live(keys) },
    signsTime: true,
    tamper: flipped,
    send: (event, { at, key }) => {
      const id = `evt_01hv8x29kz0t586xy6zn1a${event}`;
      const body = json({ event_id: id, event_type: "customer.updated", data: { name: TEXT } });
      const ts = seconds(at);
      const h1 = hmacText("sha256", keys[key], [`${ts}:`, body], "hex");
      return {
        method: "POST",
        query: "",
        headers: { ...JSON_TYPE, "Paddle-Signature": `ts=${ts};h1=${h1}` },
        body,
        items: [{ id, lane: "" }],
        answer: OK,
      };
    },
  };
}

/** Source: https://developer.squareup.com/docs/webhooks/step3validate */
function square(): Sender {
  const keys = base64Keys("", 16);
  return {
    name: "square",
    scheme: "square",
    verification: { scheme: "square", secrets: live(keys) },
    signsTime: false,
    tamper: flipped,
    send: (event, { url, key }) => {
      const payment = `KkAkhdMsgzn59SM8A89WgKwekx${conversationOf(event)}`;
      const body = json({
        merchant_id: "6SSW7HV8K2ST5",
        type: "payment.updated",
        event_id: uuid(event),
        data: { type: "payment", id: payment, object: { note: TEXT } },
      });
      return {
        method: "POST",
        query: "",
        headers: {
          ...JSON_TYPE,
          "x-square-hmacsha256-signature": hmacText("sha256", keys[key], [url, body], "base64"),
        },
        body,
        items: [{ id: uuid(event), lane: payment }],
        answer: OK,
      };
    },
  };
}

/** Two of them in one: Adyen sends batches. Source: https://docs.adyen.com/development-resources/webhooks/ */
function adyen(): Sender {
  const keys = hexKeys(32);
  return {
    name: "adyen",
    scheme: "adyen",
    verification: { scheme: "adyen", secrets: live(keys) },
    signsTime: false,
    // What is signed stands within the body, and is not all of it.
    tamper: (sent) => ({
      ...sent,
      body: new Uint8Array(Buffer.from(fromUtf8(sent.body).replace("1130", "1131"))),
    }),
    send: (event, draft) => ({
      method: "POST",
      query: "",
      headers: JSON_TYPE,
      body: json({
        live: "false",
        notificationItems: ["AUTHORISATION", "CAPTURE"].map((code) => ({
          NotificationRequestItem: adyenItem(event, code, keys, draft),
        })),
      }),
      items: ["AUTHORISATION", "CAPTURE"].map((code) => ({
        id: `${adyenReference(event)}.${code}.true`,
        lane: adyenReference(event),
      })),
      answer: { status: 200, body: "[accepted]" },
    }),
  };
}

function adyenReference(event: number): string {
  return `79140733813${String(event).padStart(5, "0")}`;
}

function adyenItem(event: number, eventCode: string, keys: Keys, { at, key }: Draft): object {
  const item = {
    pspReference: adyenReference(event),
    originalReference: "",
    merchantAccountCode: "TestMerchant",
    merchantReference: `Päyment ☕ ${event}`,
    amount: { value: 1130, currency: "EUR" },
    eventCode,
    success: "true",
    eventDate: new Date(at).toISOString(),
    reason: TEXT,
  };
  const { pspReference, originalReference, merchantAccountCode, merchantReference } = item;
  const signed = [pspReference, originalReference, merchantAccountCode, merchantReference];
  signed.push(String(item.amount.value), item.amount.currency, eventCode, item.success);
  const secret = Buffer.from(keys[key], "hex");
  const hmacSignature = hmacText("sha256", secret, [signed.join(":")], "base64");
  return { ...item, additionalData: { hmacSignature } };
}
