/** Senders that have no entry of their own: what can be told of one by settings. */
import type * as z from "zod";
import type { HmacVerification } from "../../../shared/ingress/route.ts";
import { type Draft, OK, type SentEvent, type Sender, TEXT } from "./sender.ts";
import {
  base64Keys,
  flipped,
  hexKeys,
  hmacText,
  json,
  JSON_TYPE,
  type Keys,
  live,
  seconds,
} from "./signing.ts";

type Settings = Omit<z.input<typeof HmacVerification>, "scheme" | "secrets">;

interface Generic {
  readonly settings: Settings;
  readonly keys?: Keys;
  /** What of a secret is the key. */
  readonly decode?: "hex" | "base64";
  readonly headers: (
    sign: (parts: readonly (string | Uint8Array)[]) => string,
    body: Uint8Array,
    draft: Draft,
    event: number,
  ) => Readonly<Record<string, string>>;
  readonly id: (event: number) => string | undefined;
}

export function genericSenders(): Sender[] {
  return Object.entries(GENERIC).map(([name, generic]) => genericSender(name, generic));
}

function genericSender(name: string, { settings, decode, headers, id, ...rest }: Generic): Sender {
  const keys = rest.keys ?? hexKeys(24);
  const { algorithm = "sha256", encoding = "hex" } = settings;
  return {
    name,
    scheme: "hmac",
    verification: { scheme: "hmac", secrets: live(keys), ...settings },
    signsTime: settings.timestamp !== undefined,
    tamper: flipped,
    send: (event, draft): SentEvent => {
      const body = json({ event: { id: `ev/${event}`, text: TEXT } });
      const secret = decode === undefined ? keys[draft.key] : Buffer.from(keys[draft.key], decode);
      const sign = (parts: readonly (string | Uint8Array)[]): string =>
        hmacText(algorithm, secret, parts, encoding);
      return {
        method: "POST",
        query: "?source=ci",
        headers: { ...JSON_TYPE, ...headers(sign, body, draft, event) },
        body,
        items: [{ id: id(event), lane: "" }],
        answer: OK,
      };
    },
  };
}

const GENERIC: Readonly<Record<string, Generic>> = {
  "hmac-prefix": {
    settings: {
      header: "x-signature",
      prefix: "sha256=",
      id: { header: "x-delivery" },
    },
    headers: (sign, body, _draft, event) => ({
      "X-Signature": `sha256=${sign([body])}`,
      "X-Delivery": `d-${event}`,
    }),
    id: (event) => `d-${event}`,
  },
  "hmac-list": {
    settings: {
      header: "x-hook-signature",
      key: "v1",
      signed: "{timestamp}.{body}",
      timestamp: { key: "t" },
      toleranceSeconds: 300,
      id: { path: "event.id" },
    },
    headers: (sign, body, { at }) => ({
      "X-Hook-Signature": `t=${seconds(at)},v1=${"0".repeat(64)},v1=${sign([`${seconds(at)}.`, body])}`,
    }),
    id: (event) => `ev/${event}`,
  },
  "hmac-sha1-base64": {
    settings: { header: "x-sign", algorithm: "sha1", encoding: "base64" },
    headers: (sign, body) => ({ "X-Sign": sign([body]) }),
    id: () => undefined,
  },
  "hmac-sha512-hex-key": {
    keys: hexKeys(64),
    decode: "hex",
    settings: {
      header: "x-sign",
      algorithm: "sha512",
      secretEncoding: "hex",
      signed: "{method}\n{path}\n{timestamp}\n{body}",
      timestamp: { header: "x-time", unit: "iso" },
      toleranceSeconds: 60,
    },
    headers: (sign, body, { at, url }) => {
      const time = new Date(at).toISOString();
      const path = `${new URL(url).pathname}?source=ci`;
      return { "X-Time": time, "X-Sign": sign([`POST\n${path}\n${time}\n`, body]) };
    },
    id: () => undefined,
  },
  "hmac-sha384-address": {
    keys: base64Keys(),
    decode: "base64",
    settings: {
      header: "x-sign",
      algorithm: "sha384",
      encoding: "base64url",
      secretEncoding: "base64",
      signed: "{id}|{timestamp}|{url}|{body}",
      timestamp: { header: "x-time", unit: "milliseconds" },
      toleranceSeconds: 60,
      id: { header: "x-id" },
    },
    headers: (sign, body, { at, url }, event) => ({
      "X-Id": `n-${event}`,
      "X-Time": String(at),
      "X-Sign": sign([`n-${event}|${at}|${url}?source=ci|`, body]),
    }),
    id: (event) => `n-${event}`,
  },
};
