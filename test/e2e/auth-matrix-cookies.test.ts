/** Every path with what only the edge knows: cookies of its login page, tickets, tokens for chats. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EdgeBundle } from "../../shared/edge-bundle.ts";
import { type Ask, atEdge, everyAsk, verdictIn } from "../support/access-rules.ts";
import { type EdgeWithCore, startEdgeWithCore } from "../support/edge-with-core.ts";
import { bearer, type Credential, usedTicket } from "../support/matrix-world.ts";
import { rawRequest } from "../support/raw-request.ts";
import { aBundle, TOKENS } from "../support/tunnel-core.ts";
import { eventually } from "../support/until.ts";

/** So often an isolate asks for what is new, and some. */
const WITHIN_MS = 90_000;
const LIFETIME_S = 3_600;
let world: EdgeWithCore;
let bundle: EdgeBundle;
/** Paths of what the core was handed. */
const reached: string[] = [];

beforeAll(async () => {
  bundle = await aBundle({ login: { enabled: true, maxAgeSeconds: LIFETIME_S } });
  world = await startEdgeWithCore(
    {
      bundle: () => bundle,
      fetch: (request) => {
        reached.push(new URL(request.url).pathname);
        return Promise.resolve(new Response("in"));
      },
    },
    { rateLimits: false },
  );
});
afterAll(() => world[Symbol.asyncDispose]());

async function cookieOf(token: string): Promise<Record<string, string>> {
  const { url } = world.edge;
  const answer = await rawRequest(url, "/auth/login", {
    method: "POST",
    headers: { Origin: url.origin, "Content-Type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ token }).toString(),
  });
  const [cookie = ""] = answer.headers["set-cookie"] ?? [];
  return { Cookie: cookie.split(";")[0] ?? "", Origin: url.origin };
}

/** Asks for everything, and tells what came out otherwise than the table says. */
async function surprises({ who, headers, query = "" }: Credential): Promise<string[]> {
  const tried = everyAsk().map(async (ask: Ask) => {
    const isPost = ask.method === "POST";
    const type: Record<string, string> = isPost ? { "Content-Type": "application/json" } : {};
    const { status, text } = await rawRequest(world.edge.url, ask.path + query, {
      method: ask.method,
      headers: { Accept: "text/event-stream", ...type, ...headers },
      body: isPost ? "{}" : "",
    });
    const told = atEdge(ask, who);
    const isSo = verdictIn(status, ask) === told && status < 500;
    return isSo ? [] : [`${ask.method} ${ask.path}: ${told}, but ${status} ${text}`];
  });
  return (await Promise.all(tried)).flat();
}

test("a token for chats opens what is below /v1, and so does its cookie", async () => {
  for (const headers of [bearer(TOKENS.chat), await cookieOf(TOKENS.chat)]) {
    expect(await surprises({ name: "", who: "chat", headers })).toEqual([]);
  }
});

test("the cookie of the owner opens everything, and none of it as a webhook", async () => {
  const headers = await cookieOf(TOKENS.operator);
  expect(await surprises({ name: "", who: "owner", headers })).toEqual([]);
});

test("a page of another origin gets nothing changed by a good cookie", async () => {
  const { Cookie = "" } = await cookieOf(TOKENS.operator);
  for (const ask of everyAsk().filter(({ method }) => method !== "GET")) {
    const headers = { Cookie, Origin: "https://evil.example" };
    const { status } = await rawRequest(world.edge.url, ask.path, { ...ask, headers, body: "" });
    expect([401, 403], `${ask.method} ${ask.path}`).toContain(status);
  }
});

test("a ticket that was used opens nothing", async () => {
  const query = `?ticket=${await usedTicket(world, TOKENS.operator)}`;
  expect(await surprises({ name: "", who: "nobody", headers: {}, query })).toEqual([]);
});

test("a cookie that is over opens nothing, nor does that of a token that was taken back", async () => {
  const before = bundle;
  const headers = await cookieOf(TOKENS.operator);
  // What would last longer than is allowed now is over.
  bundle = { ...before, login: { enabled: true, maxAgeSeconds: 60 } };
  await world.core.republish();
  // An isolate hears of it when it asks the next time.
  await eventually(
    async () => {
      const { status } = await rawRequest(world.edge.url, "/v1/models", { headers });
      expect(status).toBe(401);
    },
    { patienceMs: WITHIN_MS },
  );
  reached.length = 0;
  expect(await surprises({ name: "", who: "nobody", headers })).toEqual([]);
  expect(reached).toEqual([]);

  bundle = { ...before, verifiers: before.verifiers.slice(1) };
  await world.core.republish();
  expect(await surprises({ name: "", who: "nobody", headers })).toEqual([]);
  expect(reached).toEqual([]);
}, 120_000);
