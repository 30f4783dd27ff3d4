import { expect, test } from "vitest";
import { utf8 } from "../../../shared/bytes.ts";
import { boundScheme } from "../../../shared/ingress/registry.ts";
import { Verification } from "../../../shared/ingress/route.ts";
import { signSample } from "../../../shared/ingress/sign.ts";
import type { CheckedScheme } from "../../config/ingress/ingress.ts";
import { sampleOf } from "./sample.ts";

const NOW = Date.UTC(2026, 0, 31, 12);
const SEED = { id: "0d6f6f3c-5f0a-4f53-9b57-0d8f2a0f1c11", now: NOW };
const SECRET = "a-secret-of-this-test";
const BASE64_SECRET = Buffer.from(SECRET.padEnd(32, "x")).toString("base64");
/** SHA-256 of `SECRET`, and of `user:password`. */
const digest = async (text: string): Promise<string> =>
  Buffer.from(await crypto.subtle.digest("SHA-256", utf8(text))).toString("base64url");

/** Settings of every scheme that we can sign for, by its names of events. */
const CASES: readonly (readonly [CheckedScheme, object, readonly (string | undefined)[]])[] = [
  [
    "adyen",
    { secrets: ["44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"] },
    [undefined],
  ],
  ["github", { secrets: [SECRET] }, [undefined, "ping", "issues", "pull_request"]],
  ["gitlab", { secrets: [`whsec_${BASE64_SECRET}`] }, [undefined]],
  ["hmac", { secrets: [SECRET], header: "x-signature" }, [undefined, "anything"]],
  ["hubspot", { secrets: [SECRET] }, [undefined]],
  ["line", { secrets: [SECRET] }, [undefined]],
  ["linear", { secrets: [SECRET] }, [undefined, "Comment"]],
  ["meta", { secrets: [SECRET] }, [undefined]],
  ["paddle", { secrets: [SECRET] }, [undefined]],
  ["shopify", { secrets: [SECRET] }, [undefined, "orders/paid"]],
  ["slack", { secrets: [SECRET] }, [undefined, "app_mention", "command", "url_verification"]],
  ["square", { secrets: [SECRET] }, [undefined]],
  ["standard", { secrets: [`whsec_${BASE64_SECRET}`] }, [undefined]],
  ["stripe", { secrets: ["whsec_test"] }, [undefined, "invoice.paid", "charge.refunded"]],
  ["svix", { secrets: [`whsec_${BASE64_SECRET}`] }, [undefined]],
  ["teams-outgoing", { secrets: [BASE64_SECRET] }, [undefined]],
  ["twilio", { secrets: [SECRET] }, [undefined]],
];

const EQUAL: readonly (readonly [CheckedScheme, object, string])[] = [
  ["bearer", {}, SECRET],
  ["header", { header: "x-token" }, SECRET],
  ["telegram", {}, SECRET],
  ["basic", {}, "user:password"],
];

const NO_JWT = { jwt: () => Promise.reject(new Error("no scheme here needs it")) };

/** What the edge would make of the sample: whether it is genuine, and how many events it holds. */
async function taken(
  scheme: CheckedScheme,
  settings: object,
  event: string | undefined,
  plain?: string,
) {
  const verification = Verification.parse({ scheme, ...settings });
  const sample = sampleOf(scheme, event, SEED);
  if ("events" in sample || verification.scheme === "core") throw new Error("no sample");
  const url = new URL("https://edge.example/hooks/route");
  const body = utf8(sample.body);
  const wish = { url, body, now: NOW, id: SEED.id, ...(plain === undefined ? {} : { plain }) };
  const headers = await signSample(verification, wish);
  if (headers === undefined) throw new Error("not signed");
  for (const [name, value] of Object.entries(sample.headers)) headers.set(name, value);
  headers.set("content-type", sample.contentType);
  const webhook = { route: "route", method: "POST", url, headers, body, now: NOW };
  const bound = boundScheme(verification);
  return {
    sample,
    screened: (await bound.screen(headers, NOW)).ok,
    proof: await bound.verify(webhook, NO_JWT),
    handshake: bound.handshake(webhook),
    items: await bound.identify(webhook),
  };
}

const rows = CASES.flatMap(([scheme, settings, events]) =>
  events.map((event) => ({ scheme, settings, event })),
);

test.each(rows)("a sample of $scheme ($event) is genuine, and one event", async (row) => {
  const { sample, screened, proof, handshake, items } = await taken(
    row.scheme,
    row.settings,
    row.event,
  );
  expect([screened, proof]).toEqual([true, { ok: true, value: { secret: 0 } }]);
  expect(handshake !== undefined).toBe(sample.isHandshake);
  if (!sample.isHandshake) expect(items).toMatchObject({ ok: true, value: [{ lane: /route/ }] });
});

test.each(EQUAL)("a sample of %s shows the secret", async (scheme, settings, plain) => {
  const digests = [await digest(plain)];
  const { screened, items } = await taken(scheme, { ...settings, digests }, undefined, plain);
  expect(screened).toBe(true);
  expect(items).toMatchObject({ ok: true });
});

test.each(["discord", "discord-events", "google-chat", "sendgrid", "teams"] as const)(
  "for %s there is no sample: it signs with a key of its own",
  (scheme) => {
    expect(sampleOf(scheme, undefined, SEED)).toEqual({ events: [] });
  },
);

test.each(["nonsense", "constructor", "__proto__", ""])(
  "an event that GitHub does not send (%j) is answered with those it does",
  (event) => {
    expect(sampleOf("github", event, SEED)).toEqual({
      events: ["push", "ping", "issues", "pull_request"],
    });
  },
);

test("two samples are two events", () => {
  const other = { ...SEED, id: "9e2b8a52-0000-4000-8000-000000000000", now: NOW + 1_000 };
  for (const [scheme] of CASES) {
    expect(sampleOf(scheme, undefined, other)).not.toEqual(sampleOf(scheme, undefined, SEED));
  }
});
