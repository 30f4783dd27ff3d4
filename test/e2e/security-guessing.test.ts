/** Whoever guesses for long is turned away, with the right word as well, at both doors and by either protocol. */
import { expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { createHome, startCore } from "../support/core.ts";
import { startEdge } from "../support/edge.ts";
import { connectFrame, openGatewaySocket } from "../support/gateway-socket.ts";
import { bearer } from "../support/matrix-world.ts";

/** Few enough for a test, and for a core that does not exempt this machine. */
const RATE = { maxAttempts: 5, windowMs: 60_000, lockoutMs: 300_000, exemptLoopback: false };

async function start() {
  await using parts = new AsyncDisposableStack();
  const [pairing, token] = [randomToken(), randomToken()];
  const edge = parts.use(await startEdge({ bindings: { PAIRING_SECRET: pairing } }));
  const gateway = { auth: { token, rateLimit: RATE } };
  const home = parts.use(await createHome(edge, pairing, { gateway }));
  const core = await startCore({ ...home, token }, edge);
  parts.defer(async () => void (await core.stop()));
  const rest = parts.move();
  return {
    token,
    hooksToken: home.hooksToken,
    "the core's own port": core.url,
    "the edge": edge.url.href,
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

/** What a client of the gateway protocol hears that shows this token. */
async function refusal(base: string, token: string): Promise<unknown> {
  using client = await openGatewaySocket(base);
  await client.frame({ event: "connect.challenge" });
  client.send(connectFrame({ auth: { token } }));
  const { ok, error } = await client.frame({ type: "res" });
  return ok === true ? "in" : Object(Object(error).details).code;
}

async function status(base: string, path: string, token: string): Promise<number> {
  const isHook = path.startsWith("/hooks/");
  const answer = await fetch(new URL(path, base), {
    method: isHook ? "POST" : "GET",
    headers: { ...bearer(token), "Content-Type": "application/json" },
    ...(isHook ? { body: '{"text":"x"}' } : {}),
  });
  await answer.arrayBuffer();
  return answer.status;
}

/** More than either door takes from one address in a minute, and in the next if that begins meanwhile. */
const MANY = 140;
const doors = ["the core's own port", "the edge"] as const;

test.each(doors)("brute force: guesses on sockets lock the address out at %s", async (door) => {
  await using world = await start();
  const base = world[door];
  expect(await refusal(base, world.token)).toBe("in");
  const said: unknown[] = [];
  for (let index = 0; index < MANY && !said.includes("AUTH_RATE_LIMITED"); index += 10) {
    const guesses = Array.from({ length: 10 }, (_v, at) => refusal(base, `guess-${index + at}`));
    said.push(...(await Promise.all(guesses)));
  }
  expect(said).toContain("AUTH_TOKEN_MISMATCH");
  expect(said).toContain("AUTH_RATE_LIMITED");
  expect(await refusal(base, world.token)).toBe("AUTH_RATE_LIMITED");
  // One address is one address, whatever it speaks.
  expect(await status(base, "/v1/models", world.token)).toBe(429);
  expect(await status(base, "/health", world.token)).toBe(200);
});

test.each(doors)("brute force: guesses by HTTP lock the address out at %s", async (door) => {
  await using world = await start();
  const base = world[door];
  const said: number[] = [];
  for (let index = 0; index < MANY && !said.includes(429); index += 10) {
    const guesses = Array.from({ length: 10 }, (_v, at) => {
      return status(base, "/v1/models", `guess-${index + at}`);
    });
    said.push(...(await Promise.all(guesses)));
  }
  expect(said).toContain(401);
  expect(said).toContain(429);
  expect(await status(base, "/v1/models", world.token)).toBe(429);
  expect(await refusal(base, world.token)).toBe("AUTH_RATE_LIMITED");
});

test.each(doors)(
  "brute force: the token of webhooks is not there to be guessed at %s",
  async (door) => {
    await using world = await start();
    const base = world[door];
    const said: number[] = [];
    for (let index = 0; index < MANY && !said.includes(429); index += 10) {
      const guesses = Array.from({ length: 10 }, (_v, at) => {
        return status(base, "/hooks/wake", `guess-${index + at}`);
      });
      said.push(...(await Promise.all(guesses)));
    }
    expect(said).toContain(429);
    // The edge goes on taking what is genuine: whoever floods it must not silence a sender.
    const genuine = door === "the edge" ? 200 : 429;
    expect(await status(base, "/hooks/wake", world.hooksToken)).toBe(genuine);
  },
);

test("asking without a credential is no guess", async () => {
  await using world = await start();
  const base = world["the core's own port"];
  for (let index = 0; index < 2 * RATE.maxAttempts; index += 1) {
    const answer = await fetch(new URL("/v1/models", base));
    await answer.arrayBuffer();
    expect(answer.status).toBe(401);
  }
  expect(await status(base, "/v1/models", world.token)).toBe(200);
});
