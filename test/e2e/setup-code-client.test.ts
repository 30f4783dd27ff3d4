/** The published client of a new device with a setup code, at both doors of the whole product. */
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { openSqliteStore } from "../../core/store/sqlite/open.ts";
import { randomToken } from "../../shared/bytes.ts";
import { type EdgeChat, startEdgeChat } from "../support/edge-chat.ts";
import { connectReference, createReferenceHost } from "../support/reference-client.ts";
import { createDevice } from "../support/gateway-device.ts";
import { challengeIn } from "../support/gateway-refusals.ts";
import { connectFrame, openGatewaySocket } from "../support/gateway-socket.ts";
import { until } from "../support/until.ts";

/** Few enough for a test, and for a core that does not exempt this machine. */
const RATE = { maxAttempts: 8, windowMs: 60_000, lockoutMs: 300_000, exemptLoopback: false };
const DOORS = ["the core's own port", "the edge"] as const;
type Door = (typeof DOORS)[number];

const Made = z.object({ setupId: z.string(), setupCode: z.string() });
const Inside = z.object({ bootstrapToken: z.string() });
let w: EdgeChat;

beforeAll(async () => {
  // Nobody is paired without a word, however near he is.
  const gateway = { nodes: { pairing: { autoApproveLocal: false } } };
  w = await startEdgeChat({ config: { gateway } });
  // Merged by the world: its token stays what it is.
  await w.request("config.patch", {
    raw: JSON.stringify({ gateway: { auth: { rateLimit: RATE } } }),
    baseHash: Object(await w.request("config.get"))["hash"],
  });
});
afterAll(() => w[Symbol.asyncDispose]());

function published(): number {
  return w.core.log.filter((line) => line.includes("edge has our routes and tokens")).length;
}

/** A code that the edge knows of. */
async function make(): Promise<{ setupId: string; bootstrapToken: string }> {
  const before = published();
  const made = Made.parse(
    await w.request("device.pair.setupCode", { publicUrl: "wss://gateway.example" }),
  );
  await until(() => published() > before);
  const { bootstrapToken } = Inside.parse(
    JSON.parse(Buffer.from(made.setupCode, "base64url").toString()),
  );
  return { setupId: made.setupId, bootstrapToken };
}

function enter(door: Door, bootstrapToken: string | undefined, host = createReferenceHost()) {
  const base = door === "the edge" ? w.edge.url : w.core.url;
  return connectReference({
    url: new URL("/gateway", base).href.replace("http", "ws"),
    clientName: "openclaw-tui",
    mode: "ui",
    clientVersion: "1",
    platform: "linux",
    scopes: ["operator.read", "operator.write"],
    ...host.options,
    ...(bootstrapToken === undefined ? {} : { bootstrapToken }),
  });
}

async function refusal(door: Door, bootstrapToken: string): Promise<string> {
  const refused: unknown = await enter(door, bootstrapToken).then(
    async (client) => {
      await client[Symbol.asyncDispose]();
      return undefined;
    },
    (error: unknown) => error,
  );
  return String(Object(Object(refused).details)["code"]);
}

/** As somebody who does not wait when he is told to. @returns The code of the refusal. */
async function guess(door: Door, auth: object): Promise<string> {
  using client = await openGatewaySocket(door === "the edge" ? w.edge.url : w.core.url);
  const { payload } = await client.frame({ event: "connect.challenge" });
  const frame = connectFrame({ auth });
  const params = createDevice().prove(frame["params"], challengeIn(payload));
  client.send({ ...frame, params });
  const { ok, error } = await client.frame({ type: "res" });
  expect(ok).toBe(false);
  const { code, details } = Object(error);
  return String(Object(details)["code"] ?? code);
}

const INVALID = "AUTH_BOOTSTRAP_TOKEN_INVALID";

test.each(DOORS)(
  "a device comes in once by its code at %s, and from then on by its token",
  async (door) => {
    const { setupId, bootstrapToken } = await make();
    expect(await w.request("device.pair.setupStatus", { setupId })).toEqual({});
    const host = createReferenceHost();
    const first = await enter(door, bootstrapToken, host);
    expect(first.hello.auth).toMatchObject({
      role: "operator",
      scopes: ["operator.read", "operator.write"],
    });
    expect(await first.client.request("health", {})).toMatchObject({ ok: true });
    await expect(first.client.request("config.set", { raw: "{}" })).rejects.toThrow();
    await first[Symbol.asyncDispose]();
    expect(await w.request("device.pair.setupStatus", { setupId })).toMatchObject({
      completion: { deviceId: host.deviceId },
    });
    for (const other of DOORS) expect(await refusal(other, bootstrapToken)).toBe(INVALID);

    expect(host.tokens.get("operator")?.token).toMatch(/^[\w-]{43}$/);
    // The edge hears of the device by the bundle that comes after.
    const again = await until(() => enter(door, undefined, host).catch(() => undefined), {
      everyMs: 300,
    });
    expect(await again.client.request("health", {})).toMatchObject({ ok: true });
    await again[Symbol.asyncDispose]();
  },
);

test("a code whose time is over opens nothing at either door", async () => {
  const { bootstrapToken } = await make();
  await w.kill();
  {
    await using store = await openSqliteStore({ stateDir: w.home.dir, now: Date.now });
    const codes = await store.devices.setupCodes();
    expect(codes).toHaveLength(1);
    await store.devices.setSetupCodes(codes.map((code) => ({ ...code, expiresAtMs: Date.now() })));
  }
  await w.start();
  for (const door of DOORS) expect(await refusal(door, bootstrapToken)).toBe(INVALID);
});

/**
 * At the edge a code that nobody knows may be one that was made a moment ago: asked again too soon it
 * says so, and counts what can be guessed.
 */
const GUESSED: Readonly<Record<Door, () => object>> = {
  "the core's own port": () => ({ bootstrapToken: randomToken() }),
  "the edge": () => ({ token: randomToken() }),
};

test("of many wrong codes at once the edge takes none", async () => {
  const guesses = Array.from({ length: 20 }, () => guess("the edge", GUESSED[DOORS[0]]()));
  for (const code of await Promise.all(guesses)) expect([INVALID, "UNAVAILABLE"]).toContain(code);
});

test.each(DOORS)("whoever guesses for long at %s is let in by no code", async (door) => {
  const { bootstrapToken } = await make();
  const said: string[] = [];
  while (!said.includes("AUTH_RATE_LIMITED") && said.length < 140) {
    const guesses = Array.from({ length: 10 }, () => guess(door, GUESSED[door]()));
    said.push(...(await Promise.all(guesses)));
  }
  expect(said).toContain(door === "the edge" ? "AUTH_TOKEN_MISMATCH" : INVALID);
  expect(said).toContain("AUTH_RATE_LIMITED");
  expect(await guess(door, { bootstrapToken })).toBe("AUTH_RATE_LIMITED");
});
