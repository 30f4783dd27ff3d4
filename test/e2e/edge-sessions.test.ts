import { expect, test } from "vitest";
import type { EdgeBundle } from "../../shared/edge-bundle.ts";
import { type EdgeWithCore, startEdgeWithCore } from "../support/edge-with-core.ts";
import { rawRequest, type RawResponse, upgradeStatus } from "../support/raw-request.ts";
import { aBundle, TOKENS } from "../support/tunnel-core.ts";

const NAVIGATION = { "Sec-Fetch-Mode": "navigate" } as const;
const EVENTS = { Accept: "text/event-stream" } as const;

function submit({ edge }: EdgeWithCore, token: string): Promise<RawResponse> {
  return rawRequest(edge.url, "/auth/login", {
    method: "POST",
    headers: {
      Origin: edge.url.origin,
      "Content-Type": "application/x-www-form-urlencoded",
    },
    body: new URLSearchParams({ token }).toString(),
  });
}

async function signIn(world: EdgeWithCore): Promise<string> {
  const [cookie = ""] = (await submit(world, TOKENS.operator)).headers["set-cookie"] ?? [];
  return cookie.split(";")[0] ?? "";
}

async function aTicket({ edge }: EdgeWithCore, headers: Record<string, string>): Promise<string> {
  const answer = await rawRequest(edge.url, "/auth/ticket", { method: "POST", headers });
  expect(answer).toMatchObject({ status: 200, headers: { "cache-control": "no-store" } });
  const { ticket, expiresAt } = Object(JSON.parse(answer.text));
  expect(Math.abs(expiresAt - Date.now() - 30_000)).toBeLessThan(10_000);
  return String(ticket);
}

const BEARER = { Authorization: `Bearer ${TOKENS.operator}` };

test("a ticket opens one event stream, and what is behind the edge does not see it", async () => {
  const reached: string[] = [];
  const lines: string[] = [];
  await using world = await startEdgeWithCore(
    {
      fetch: (request) => {
        reached.push(new URL(request.url).search);
        return Promise.resolve(new Response("in"));
      },
    },
    { onLine: (line) => lines.push(line) },
  );
  const { url } = world.edge;
  const ticket = await aTicket(world, BEARER);
  const path = `/events?a=%20&ticket=${ticket}&b`;
  expect((await rawRequest(url, path, { headers: EVENTS })).status).toBe(200);
  expect(reached).toEqual(["?a=%20&b"]);
  const again = await rawRequest(url, path, { headers: EVENTS });
  expect(again.status).toBe(401);
  expect(JSON.parse(again.text)).toMatchObject({ code: "unauthenticated" });
  expect(reached).toHaveLength(1);
  // With a token it is not used, and goes no further all the same.
  await rawRequest(url, path, { headers: BEARER });
  expect(reached).toEqual(["?a=%20&b", "?a=%20&b"]);
  expect(lines.join("\n")).not.toContain(ticket.slice(-43));
});

test("a ticket opens one WebSocket, from a page of any origin", async () => {
  await using world = await startEdgeWithCore({
    upgrade: () =>
      Promise.resolve({ accepted: false, response: new Response(null, { status: 418 }) }),
  });
  const path = `/ws?ticket=${await aTicket(world, BEARER)}`;
  const headers = { Origin: "https://app.example" };
  expect(await upgradeStatus(world.edge.url, path, headers)).toBe(418);
  expect(await upgradeStatus(world.edge.url, path, headers)).toBe(401);
});

test("a ticket opens nothing else", async () => {
  await using world = await startEdgeWithCore();
  const { url } = world.edge;
  const ticket = await aTicket(world, BEARER);
  const path = `/events?ticket=${ticket}`;
  for (const [method, headers] of [
    ["GET", {}],
    ["GET", { Accept: "text/html" }],
    ["POST", EVENTS],
    ["HEAD", EVENTS],
  ] as const) {
    expect((await rawRequest(url, path, { method, headers })).status).toBe(401);
  }
  const spoiled = ticket.replace(/.{43}$/, "A".repeat(43));
  for (const other of [`?ticket=${spoiled}`, `?ticket=${ticket}&ticket=${ticket}`]) {
    expect((await rawRequest(url, `/events${other}`, { headers: EVENTS })).status).toBe(401);
  }
  expect((await rawRequest(url, `/x?token=${ticket}`, { headers: EVENTS })).status).toBe(400);
  // None of all that has used it up.
  expect((await rawRequest(url, path, { headers: EVENTS })).status).toBe(200);
});

test("without credentials there is no ticket", async () => {
  await using world = await startEdgeWithCore();
  const call = { method: "POST" };
  expect((await rawRequest(world.edge.url, "/auth/ticket", call)).status).toBe(401);
});

test("a token that the core takes back ends its cookies and tickets at once", async () => {
  let bundle = await aBundle({ login: { enabled: true } });
  await using world = await startEdgeWithCore({ bundle: () => bundle });
  const { url } = world.edge;
  const Cookie = await signIn(world);
  const ticket = await aTicket(world, { Cookie, Origin: url.origin });
  expect((await rawRequest(url, "/x", { headers: { Cookie } })).status).toBe(200);

  bundle = { ...bundle, verifiers: bundle.verifiers.slice(1) };
  await world.core.republish();

  expect((await rawRequest(url, "/x", { headers: { Cookie } })).status).toBe(401);
  const events = await rawRequest(url, `/x?ticket=${ticket}`, { headers: EVENTS });
  expect(events.status).toBe(401);
});

test("a session that is used is made longer", async () => {
  const HOUR_S = 3_600;
  let bundle: EdgeBundle = await aBundle({ login: { enabled: true, maxAgeSeconds: HOUR_S } });
  await using world = await startEdgeWithCore({ bundle: () => bundle });
  const { url } = world.edge;
  const Cookie = await signIn(world);
  const used = (): Promise<RawResponse> => rawRequest(url, "/x", { headers: { Cookie } });
  expect((await used()).headers).not.toHaveProperty("set-cookie");

  // One of an hour is as old, where sessions last for ten, as one nine hours after signing in.
  bundle = { ...bundle, login: { enabled: true, maxAgeSeconds: 10 * HOUR_S } };
  await world.core.republish();
  await used();
  await expect
    .poll(async () => (await used()).headers["set-cookie"])
    .toEqual([expect.stringMatching(/^sallyport=v1\..*; Max-Age=36000; /)]);
});

test("nobody signs in where login is off, and its paths are the core's", async () => {
  let bundle = await aBundle();
  await using world = await startEdgeWithCore({ bundle: () => bundle });
  const { url } = world.edge;
  expect((await rawRequest(url, "/x", { headers: NAVIGATION })).status).toBe(401);
  expect((await rawRequest(url, "/auth/login", { headers: NAVIGATION })).status).toBe(401);
  expect((await submit(world, TOKENS.operator)).status).toBe(401);
  const mine = await rawRequest(url, "/auth/login", { headers: BEARER });
  expect(mine).toMatchObject({ status: 200, text: "hello from the core" });

  bundle = { ...bundle, login: { enabled: true } };
  await world.core.republish();
  await expect
    .poll(async () => {
      await rawRequest(url, "/x", { headers: BEARER });
      return (await rawRequest(url, "/x", { headers: NAVIGATION })).status;
    })
    .toBe(303);
  const Cookie = await signIn(world);
  bundle = { ...bundle, login: { enabled: false } };
  await world.core.republish();
  await expect
    .poll(async () => (await rawRequest(url, "/x", { headers: { Cookie } })).status)
    .toBe(401);
});

test.each([
  ["on", undefined, 303],
  ["on", false, 303],
  ["off", true, 401],
  ["", true, 303],
])("LOGIN=%j overrules a core that says %s", async (LOGIN, enabled, status) => {
  const bundle = await aBundle(enabled === undefined ? {} : { login: { enabled } });
  await using world = await startEdgeWithCore({ bundle: () => bundle }, { bindings: { LOGIN } });
  const { url } = world.edge;
  // By then this isolate has heard what the core says.
  expect((await rawRequest(url, "/x", { headers: BEARER })).status).toBe(200);
  expect((await rawRequest(url, "/x", { headers: NAVIGATION })).status).toBe(status);
});

test("guesses at the login page are counted with all others; who is signed in already stays so", async () => {
  const bundle = await aBundle({ login: { enabled: true } });
  await using world = await startEdgeWithCore({ bundle: () => bundle });
  const { url } = world.edge;
  const Cookie = await signIn(world);
  const statuses: number[] = [];
  for (let index = 0; index < 40; index += 1) {
    statuses.push((await submit(world, `guess-${index}`)).status);
    const headers = { Cookie: `sallyport=guess-${index}` };
    statuses.push((await rawRequest(url, "/x", { headers })).status);
  }
  expect(statuses[0]).toBe(401);
  const last = await submit(world, "one more");
  expect(last).toMatchObject({ status: 429, headers: { "retry-after": "300" } });
  expect(last.text).toContain('<form method="post">');
  expect((await submit(world, TOKENS.operator)).status).toBe(429);
  expect((await rawRequest(url, "/x", { headers: { Cookie } })).status).toBe(200);
  // Who has no credentials at all is no guesser, and finds the door.
  expect((await rawRequest(url, "/x", { headers: NAVIGATION })).status).toBe(303);
});
