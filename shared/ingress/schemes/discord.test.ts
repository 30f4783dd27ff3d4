import { describe, expect, test } from "vitest";
import { noTools, received } from "../../../test/support/received-webhook.ts";
import { toHex, utf8 } from "../../bytes.ts";
import { discordEvents } from "./discord-events.ts";
import { discord } from "./discord.ts";

const NOW = 1_700_000_000_000;
const AT = "1700000000";

async function keyPair() {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new TypeError("no key pair");
  const raw = await crypto.subtle.exportKey("raw", pair.publicKey);
  if (!(raw instanceof ArrayBuffer)) throw new TypeError("no raw key");
  const hex = toHex(new Uint8Array(raw));
  return { hex, privateKey: pair.privateKey };
}

const [first, second, stranger] = [await keyPair(), await keyPair(), await keyPair()];
const publicKeys = [first.hex, second.hex.toUpperCase()];
const settings = { scheme: "discord" as const, publicKeys };

async function signed(body: string, key = first, at = AT): Promise<Record<string, string>> {
  const signature = await crypto.subtle.sign("Ed25519", key.privateKey, utf8(at + body));
  return {
    "X-Signature-Ed25519": toHex(new Uint8Array(signature)),
    "X-Signature-Timestamp": at,
  };
}

async function verify(body: string, headers: Record<string, string>, now = NOW) {
  const webhook = received({ headers, body, now });
  const screened = await discord.screen(settings, webhook.headers, now);
  const verified = await discord.verify(settings, webhook, noTools);
  if (verified.ok) expect(screened.ok).toBe(true);
  return verified.ok ? verified.value.secret : verified.error.reason;
}

describe("the signature", () => {
  const body = '{"id":"787053080478613555","type":1}';

  test("each of the live keys is good, and it is told which was used", async () => {
    expect(await verify(body, await signed(body, first))).toBe(0);
    expect(await verify(body, await signed(body, second))).toBe(1);
  });

  test("a stranger's key, another body and another time are refused", async () => {
    expect(await verify(body, await signed(body, stranger))).toBe("mismatch");
    expect(await verify(`${body} `, await signed(body))).toBe("mismatch");
    const moved = { ...(await signed(body)), "X-Signature-Timestamp": "1700000001" };
    expect(await verify(body, moved)).toBe("mismatch");
  });

  test.each([
    ["300 s old", 300_000, 0],
    ["300 s early", -300_000, 0],
    ["a second older than that", 301_000, "stale"],
    ["a second earlier than that", -301_000, "future"],
  ])("one that is %s", async (_name, ageMs, expected) => {
    expect(await verify(body, await signed(body), NOW + ageMs)).toBe(expected);
  });

  test("the time a route allows counts", async () => {
    const webhook = received({ headers: await signed(body), body, now: NOW + 11_000 });
    const strict = { ...settings, toleranceSeconds: 10 };
    expect(await discord.verify(strict, webhook, noTools)).toMatchObject({
      error: { reason: "stale" },
    });
  });

  test("keys that are no point of the curve, or a weak one, sign nothing and break nothing", async () => {
    const none = { scheme: "discord" as const, publicKeys: ["ff".repeat(32), "00".repeat(32)] };
    const webhook = received({ headers: await signed(body), body, now: NOW });
    expect(await discord.verify(none, webhook, noTools)).toMatchObject({
      error: { reason: "mismatch" },
    });
  });

  test.each([
    ["no signature", { "X-Signature-Ed25519": undefined }, "missing_header"],
    ["no time", { "X-Signature-Timestamp": undefined }, "missing_header"],
    ["an empty signature", { "X-Signature-Ed25519": "" }, "bad_format"],
    ["63 bytes", { "X-Signature-Ed25519": "ab".repeat(63) }, "bad_format"],
    ["65 bytes", { "X-Signature-Ed25519": "ab".repeat(65) }, "bad_format"],
    ["half a byte", { "X-Signature-Ed25519": "a".repeat(127) }, "bad_format"],
    ["no hex", { "X-Signature-Ed25519": "xy".repeat(64) }, "bad_format"],
    ["zeroes", { "X-Signature-Ed25519": "00".repeat(64) }, "mismatch"],
    ["a time with a sign", { "X-Signature-Timestamp": "+1700000000" }, "bad_format"],
    ["a time with a fraction", { "X-Signature-Timestamp": "1700000000.0" }, "bad_format"],
    ["a time in hex", { "X-Signature-Timestamp": "0x65539980" }, "bad_format"],
    ["no time at all", { "X-Signature-Timestamp": "" }, "bad_format"],
    ["the hour zero", { "X-Signature-Timestamp": "0" }, "bad_format"],
  ])("%s is refused", async (_name, change, reason) => {
    const headers = { ...(await signed(body)), ...change };
    const sent = Object.entries(headers).filter((entry): entry is [string, string] => {
      return entry[1] !== undefined;
    });
    expect(await verify(body, Object.fromEntries(sent))).toBe(reason);
  });
});

describe("interactions", () => {
  test("a PING is answered with a PONG as JSON, and nothing else is", async () => {
    const pong = discord.handshake?.(received({ body: { id: "1", type: 1 } }));
    expect(pong?.status).toBe(200);
    expect(pong?.headers.get("Content-Type")).toMatch(/^application\/json/);
    expect(await pong?.json()).toEqual({ type: 1 });
    for (const body of [{ type: 0 }, { type: 2 }, { type: "1" }, [1], null, "", "{"]) {
      expect(discord.handshake?.(received({ body }))).toBeUndefined();
    }
  });

  test.each([
    ["a command", 2, { type: 5 }],
    ["a button or menu", 3, { type: 6 }],
    ["a suggestion", 4, { type: 8, data: { choices: [] } }],
    ["a filled-in modal", 5, { type: 5 }],
  ])("%s is deferred", async (_name, type, answer) => {
    const response = discord.accepted(received({ body: { id: "1", type } }), []);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(answer);
  });

  // Source: https://docs.discord.com/developers/interactions/receiving-and-responding
  test("the id of the interaction names it, its channel is its lane", async () => {
    const body = {
      type: 2,
      token: "A_UNIQUE_TOKEN",
      member: { user: { id: "53908232506183680", username: "Mason" } },
      id: "786008729715212338",
      guild_id: "290926798626357999",
      channel_id: "645027906669510667",
      data: { id: "771825006014889984", name: "cardsearch", type: 1 },
    };
    expect(await discord.identify(settings, received({ body }))).toEqual({
      ok: true,
      value: [{ id: "r:786008729715212338", lane: "r:645027906669510667" }],
    });
  });

  test("without a channel the user is the lane", async () => {
    const body = { type: 2, id: "7", user: { id: "53" } };
    expect(await discord.identify(settings, received({ body }))).toEqual({
      ok: true,
      value: [{ id: "r:7", lane: "r:53" }],
    });
  });

  test.each(["", "{}", "[]", '{"id":7}', '{"id":""}', "null"])("%s is malformed", async (body) => {
    expect(await discord.identify(settings, received({ body }))).toEqual({
      ok: false,
      error: { reason: "malformed" },
    });
  });
});

describe("webhook events", () => {
  const events = { scheme: "discord-events" as const, publicKeys };
  // Source: https://docs.discord.com/developers/events/webhook-events#payload-examples
  const body = {
    version: 1,
    application_id: "1234560123453231555",
    type: 1,
    event: {
      type: "APPLICATION_AUTHORIZED",
      timestamp: "2024-10-18T14:42:53.064834",
      data: { integration_type: 1, scopes: ["applications.commands"], user: { id: "191673" } },
    },
  };

  async function itemOf(given: unknown) {
    const result = await discordEvents.identify(events, received({ body: given }));
    return result.ok ? result.value[0] : result.error.reason;
  }

  test("a PING is answered with an empty 204, and so is an event", async () => {
    const ping = { version: 1, application_id: "1234560123453231555", type: 0 };
    const pong = discordEvents.handshake?.(received({ body: ping }));
    const accepted = discordEvents.accepted(received({ body }), []);
    for (const response of [pong, accepted]) {
      expect(response?.status).toBe(204);
      expect(await response?.text()).toBe("");
    }
    expect(discordEvents.handshake?.(received({ body }))).toBeUndefined();
  });

  test("the same event has the same name, another one another, and its user is its lane", async () => {
    const item = await itemOf(body);
    expect(item).toMatchObject({ lane: "r:191673" });
    expect(await itemOf(JSON.stringify(body, null, 2))).toEqual(item);
    const later = { ...body, event: { ...body.event, timestamp: "2024-10-18T14:42:54.064834" } };
    expect(await itemOf(later)).not.toEqual(item);
    expect(await itemOf({ ...body, application_id: "2" })).not.toEqual(item);
  });

  test.each([
    ["a channel", { channel_id: "1", user_id: "2", user: { id: "3" } }, "r:1"],
    ["a user's id", { user_id: "2", user: { id: "3" } }, "r:2"],
    ["nobody", {}, "r"],
    ["something odd", { channel_id: 7, user: [] }, "r"],
  ])("an event about %s has its lane", async (_name, data, lane) => {
    expect(await itemOf({ ...body, event: { ...body.event, data } })).toMatchObject({ lane });
  });

  test.each([{ ...body, type: 2 }, { ...body, event: [] }, { type: 1 }, "", [body]])(
    "%j is malformed",
    async (given) => {
      expect(await itemOf(given)).toBe("malformed");
    },
  );

  test("a signature is checked as for interactions", async () => {
    const text = JSON.stringify(body);
    const good = received({ headers: await signed(text, second), body: text, now: NOW });
    expect(await discordEvents.verify(events, good, noTools)).toEqual({
      ok: true,
      value: { secret: 1 },
    });
    const bad = received({ headers: await signed(text, stranger), body: text, now: NOW });
    expect(await discordEvents.verify(events, bad, noTools)).toMatchObject({ ok: false });
    expect(await discordEvents.screen(events, new Headers(), NOW)).toMatchObject({ ok: false });
  });
});
