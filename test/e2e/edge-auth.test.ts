import { afterAll, beforeAll, expect, test } from "vitest";
import { digestOf } from "../../shared/constant-time.ts";
import { callEdge, type EdgeWithCore, startEdgeWithCore } from "../support/edge-with-core.ts";
import { startEdge } from "../support/edge.ts";
import { aBundle, TOKENS } from "../support/tunnel-core.ts";

let world: EdgeWithCore;
let reached: string[];

beforeAll(async () => {
  reached = [];
  world = await startEdgeWithCore({
    fetch: (request) => {
      reached.push(request.url);
      return Promise.resolve(new Response("in"));
    },
  });
});
afterAll(() => world[Symbol.asyncDispose]());

/** Everything a stranger can compare, without what differs from request to request anyway. */
async function seen(response: Response): Promise<unknown> {
  const headers = [...response.headers].filter(([name]) => name !== "x-request-id");
  const body: unknown = await response.json();
  return { status: response.status, headers, body: { ...Object(body), requestId: "" } };
}

test("missing, malformed and wrong tokens look the same and never reach the core", async () => {
  const before = reached.length;
  const refusals = await Promise.all(
    [
      {},
      { Authorization: "" },
      { Authorization: "Bearer" },
      { Authorization: "Bearer two tokens" },
      { Authorization: `Basic ${btoa(`a:${TOKENS.operator}`)}` },
      { Authorization: `Bearer ${TOKENS.operator}x` },
      { Authorization: `Bearer ${TOKENS.operator.slice(0, -1)}` },
      { Authorization: `Bearer ${"a".repeat(5_000)}` },
      { Authorization: `Bearer ${await digestOf(TOKENS.operator)}` },
    ].map(async (headers) => seen(await world.call("/v1/models", { headers }))),
  );
  expect(refusals[0]).toMatchObject({
    status: 401,
    body: {
      code: "unauthenticated",
      hop: "edge",
      error: { type: "authentication_error", code: "invalid_api_key" },
    },
  });
  for (const refusal of refusals) expect(refusal).toEqual(refusals[0]);
  const response = await world.call("/v1/models");
  expect(response.headers.get("WWW-Authenticate")).toBe('Bearer realm="sallyport"');
  expect(reached.length).toBe(before);
});

test("outside /v1 the refusal carries no OpenAI object", async () => {
  expect(await (await world.call("/status")).json()).not.toHaveProperty("error");
});

test.each([
  ["operator", "/v1/models", 200],
  ["operator", "/status", 200],
  ["chat", "/v1/chat/completions", 200],
  ["chat", "/status", 403],
  ["chat", "/v1", 403],
  ["hook", "/v1/models", 401],
] as const)("the %s token gets %s answered with %i", async (token, path, status) => {
  // Nobody has guessed from there: the edge asks, and is sure.
  const headers = { "CF-Connecting-IP": "198.51.100.1" };
  expect((await world.call(path, { token: TOKENS[token], headers })).status).toBe(status);
});

test("a path cannot be dressed up to look like one below /v1", async () => {
  const response = await world.call("/v1/../status", { token: TOKENS.chat });
  expect(response.status).toBe(403);
});

test("health tells the owner more, and a stranger with a wrong token what it tells everyone", async () => {
  const mine = await (await world.call("/health", { token: TOKENS.operator })).json();
  expect(mine).toMatchObject({ core: { connected: true, version: "0.0.0-test", spooled: 0 } });
  const theirs = await (await world.call("/health", { token: "wrong" })).json();
  expect(theirs).toMatchObject({ ok: true, core: { connected: true } });
  expect(theirs).not.toHaveProperty("core.spooled");
});

test("a new token works and an old one ends as soon as the core has said so", async () => {
  let bundle = await aBundle();
  await using own = await startEdgeWithCore({ bundle: () => bundle });
  expect((await own.call("/v1/models", { token: TOKENS.operator })).status).toBe(200);

  const digest = await digestOf("the-new-token");
  bundle = { ...bundle, verifiers: [{ digest, subject: "owner", scopes: ["operator"] }] };
  await own.core.republish();

  const old = await own.call("/v1/models", { token: TOKENS.operator });
  expect(old.status).toBe(401);
  expect(old.headers.has("X-Gw-Internal-Bundle")).toBe(false);
  await expect
    .poll(async () => (await own.call("/v1/models", { token: "the-new-token" })).status)
    .toBe(200);
});

test("a token is not refused for good before any core has come, but told to wait", async () => {
  await using edge = await startEdge();
  const response = await callEdge(edge.url, "/v1/models", { token: "anything" });
  expect(response.status).toBe(503);
  expect(response.headers.get("Retry-After")).toBe("5");
  expect(await response.json()).toMatchObject({ code: "core_offline", retrySafe: true });
});

test("many first requests at once are all let in", async () => {
  const shelf = new Map<string, string>();
  await using first = await startEdgeWithCore({ shelf });
  const statuses = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const response = await first.call("/v1/models", { token: TOKENS.operator });
      return response.status;
    }),
  );
  expect(new Set(statuses)).toEqual(new Set([200]));
});

test("an address that keeps guessing is locked out, with the right token as well", async () => {
  await using own = await startEdgeWithCore();
  const guesses: Response[] = [];
  for (let index = 0; index < 70; index += 1) {
    guesses.push(await own.call("/v1/models", { token: `guess-${index}` }));
  }
  expect(guesses[0]?.status).toBe(401);
  const last = guesses.at(-1);
  expect(last?.status).toBe(429);
  expect(last?.headers.get("Retry-After")).toBe("300");
  expect((await own.call("/v1/models", { token: TOKENS.operator })).status).toBe(429);
  expect((await own.call("/health")).status).toBe(200);
});
