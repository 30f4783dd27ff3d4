import { describe, expect, test } from "vitest";
import { noTools, received } from "../../../test/support/received-webhook.ts";
import { toHex, utf8 } from "../../bytes.ts";
import { digestOf } from "../../constant-time.ts";
import { hmac } from "../crypto.ts";
import { meta } from "./meta.ts";

const settings = {
  scheme: "meta" as const,
  secrets: ["new-app-secret", "app-secret"],
  verifyTokens: [await digestOf("meatyhamhock"), await digestOf("ümlaut & all")],
};

async function signatureOf(
  body: string,
  secret = "app-secret",
  hash: "sha1" | "sha256" = "sha256",
) {
  return `${hash}=${toHex(await hmac(hash, utf8(secret), utf8(body)))}`;
}

async function verify(headers: Record<string, string>, body: string) {
  const webhook = received({ headers, body });
  const screened = await meta.screen(settings, webhook.headers, 0);
  const verified = await meta.verify(settings, webhook, noTools);
  if (verified.ok) expect(screened).toEqual({ ok: true });
  return verified.ok ? verified.value.secret : verified.error.reason;
}

describe("the signature", () => {
  // Meta escapes what it sends and signs that; whoever prints it again has other bytes.
  // Source: https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads
  const body = String.raw`{"text":"\u00e4\u00f6\u00e5 \ud83d\ude00 <\/b>"}`;

  test("the bytes are signed as they are, escapes and all", async () => {
    const headers = { "X-Hub-Signature-256": await signatureOf(body) };
    expect(await verify(headers, body)).toBe(1);
    expect(await verify(headers, JSON.stringify(JSON.parse(body)))).toBe("mismatch");
  });

  // Source: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
  test("GitHub, which signs in the same way, has an example: it is genuine", async () => {
    const github = { ...settings, secrets: ["It's a Secret to Everybody"] };
    const signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    const headers = { "X-Hub-Signature-256": signature };
    const webhook = received({ headers, body: "Hello, World!" });
    expect(await meta.verify(github, webhook, noTools)).toEqual({ ok: true, value: { secret: 0 } });
  });

  test.each([
    ["missing", async () => ({}), "missing_header"],
    [
      "of the old kind",
      async () => ({ "X-Hub-Signature": await signatureOf(body, "app-secret", "sha1") }),
      "missing_header",
    ],
    [
      "of the old kind under the new name",
      async () => ({ "X-Hub-Signature-256": await signatureOf(body, "app-secret", "sha1") }),
      "bad_format",
    ],
    [
      "by another secret",
      async () => ({ "X-Hub-Signature-256": await signatureOf(body, "stranger") }),
      "mismatch",
    ],
    [
      "without its name",
      async () => ({ "X-Hub-Signature-256": (await signatureOf(body)).slice(7) }),
      "bad_format",
    ],
    [
      "with a digit too few",
      async () => ({ "X-Hub-Signature-256": (await signatureOf(body)).slice(0, -1) }),
      "bad_format",
    ],
    [
      "with a byte too many",
      async () => ({ "X-Hub-Signature-256": `${await signatureOf(body)}00` }),
      "bad_format",
    ],
  ])("one that is %s is refused", async (_name, headers, reason) => {
    expect(await verify(await headers(), body)).toBe(reason);
  });
});

describe("the challenge", () => {
  async function challenged(query: string) {
    const response = await meta.challenge?.(
      settings,
      new URL(`https://edge.example/hooks/r${query}`),
    );
    return { response, text: await response?.text() };
  }

  test.each([
    ["meatyhamhock", "meatyhamhock"],
    ["ümlaut & all", "%C3%BCmlaut+%26+all"],
  ])("with the token %s it is sent back, and nothing else", async (_token, encoded) => {
    const query = `?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=${encoded}`;
    const { response, text } = await challenged(query);
    expect(response?.status).toBe(200);
    expect(text).toBe("1158201444");
    expect(response?.headers.get("Content-Type")).toBe("text/plain; charset=utf-8");
    expect(response?.headers.get("X-Content-Type-Options")).toBe("nosniff");
  });

  const good = "hub.mode=subscribe&hub.challenge=1&hub.verify_token=meatyhamhock";
  test.each([
    ["nothing", ""],
    ["another token", good.replace("meatyhamhock", "meatyhamhocK")],
    ["the digest of the token", good.replace("meatyhamhock", settings.verifyTokens[0] ?? "")],
    ["no token", good.replace("&hub.verify_token=meatyhamhock", "")],
    ["an empty token", good.replace("meatyhamhock", "")],
    ["another mode", good.replace("subscribe", "unsubscribe")],
    ["no mode", good.replace("hub.mode=subscribe&", "")],
    ["no challenge", good.replace("&hub.challenge=1", "")],
    ["a page for a challenge", good.replace("=1&", `=${"%3Cscript%3E".repeat(40)}&`)],
    ["underscores", good.replaceAll("hub.", "hub_")],
  ])("%s is refused, without a word", async (_name, query) => {
    const { response, text } = await challenged(`?${query}`);
    expect(response?.status).toBe(403);
    expect(text).toBe("");
  });

  test("a route without a token answers none", async () => {
    const url = new URL(`https://edge.example/hooks/r?${good}`);
    const response = await meta.challenge?.({ ...settings, verifyTokens: [] }, url);
    expect(response?.status).toBe(403);
  });
});

test("it is answered with an empty 200", async () => {
  const response = meta.accepted(received(), []);
  expect(response.status).toBe(200);
  expect(await response.text()).toBe("");
});

test.each([
  "",
  "[]",
  "{}",
  '{"object":"page"}',
  '{"object":"page","entry":{}}',
  '{"object":"page","entry":[1]}',
  '{"object":"page","entry":[{"changes":{}}]}',
  '{"object":"page","entry":[{"messaging":[[]]}]}',
  '{"object":7,"entry":[]}',
])("%j is malformed", async (body) => {
  expect(await meta.identify(settings, received({ body }))).toEqual({
    ok: false,
    error: { reason: "malformed" },
  });
});
