/** A device that was paired a moment ago, and somebody who makes up tokens, at the edge: who is who. */
import { beforeAll, afterAll, expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { callEdge } from "../support/edge-with-core.ts";
import { type MatrixWorld, startMatrixWorld } from "../support/matrix-world.ts";
import { eventually } from "../support/until.ts";

let world: MatrixWorld;
beforeAll(async () => {
  world = await startMatrixWorld({}, { rateLimits: true });
  const { token } = world.home;
  await eventually(async () => expect((await ask("192.0.2.1", token)).status).toBe(200));
});
afterAll(() => world[Symbol.asyncDispose]());

/** More wrong tokens than the edge takes from one address in a minute, and in the next. */
const MANY = 140;

function ask(ip: string, token: string, path = "/v1/models"): Promise<Response> {
  return callEdge(world.edge.url, path, { token, headers: { "CF-Connecting-IP": ip } });
}

async function askAll(ip: string, tokens: readonly string[], path?: string): Promise<number[]> {
  const all = await Promise.all(tokens.map((token) => ask(ip, token, path)));
  return all.map(({ status }) => status);
}

/** Asks until the address is turned away for good, or has shown so many. */
async function guess(ip: string, tokenOf: () => string, path?: string): Promise<Set<number>> {
  const said = new Set<number>();
  for (let index = 0; index < MANY && !said.has(429); index += 10) {
    const tokens = Array.from({ length: 10 }, tokenOf);
    for (const status of await askAll(ip, tokens, path)) said.add(status);
  }
  return said;
}

/** From so many addresses that the edge may not ask its relay about what it does not know any more. */
async function spendQuestions(): Promise<void> {
  let index = 0;
  await eventually(async () => {
    index += 1;
    expect((await ask(`198.51.100.${index}`, randomToken())).status).toBe(503);
  });
}

test("devices that are paired one after the other are let in as soon as they come", async () => {
  for (const ip of ["203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.1"]) {
    const { token } = await world.pair(["operator.read"]);
    await eventually(async () => expect((await ask(ip, token)).status).toBe(200));
  }
});

test("until the edge has heard of a device it says when to come again, and never locks it out", async () => {
  const ip = "203.0.113.11";
  // Another one, if the edge was just about to be able to ask again.
  const { token, first } = await eventually(async () => {
    await spendQuestions();
    const { token: made } = await world.pair(["operator.read"]);
    const response = await ask(ip, made);
    expect(response.status).toBe(503);
    return { token: made, first: response };
  });
  expect(first.headers.get("Retry-After")).toBe("2");
  expect(await first.json()).toMatchObject({ code: "credentials_pending", retrySafe: true });
  const own = { headers: { Authorization: `Bearer ${token}` } };
  expect((await fetch(new URL("/v1/models", world.core.url), own)).status).toBe(200);
  const again = await askAll(
    ip,
    Array.from({ length: MANY }, () => token),
  );
  // In by now, perhaps; but never told that the token is wrong, or to stay away.
  expect(again.filter((status) => status !== 503 && status !== 200)).toEqual([]);
  // The owner's own requests go on, and their answers tell the edge that there is news.
  await eventually(async () => {
    expect((await ask(ip, world.home.token)).status).toBe(200);
    expect((await ask(ip, token)).status).toBe(200);
  });
});

test("whoever makes up tokens is locked out, also while the edge is not sure of any", async () => {
  await spendQuestions();
  const ip = "203.0.113.21";
  const twice = randomToken();
  const said = await guess(ip, randomToken);
  expect(said).toContain(429);
  expect(said).toContain(503);
  expect(await askAll(ip, [world.home.token, twice, twice])).toEqual([429, 429, 429]);
  expect((await ask("203.0.113.22", world.home.token)).status).toBe(200);
});

test("health tells nobody for free whether a token is good", async () => {
  const ip = "203.0.113.31";
  expect(await guess(ip, randomToken, "/health")).toEqual(new Set([200]));
  expect((await ask(ip, world.home.token)).status).toBe(429);
  const health = await (await ask(ip, world.home.token, "/health")).json();
  expect(health).not.toHaveProperty("core.spooled");
  // Who watches it with an old token shows the same again and again.
  const old = Array.from({ length: MANY }, () => "an-old-password");
  await askAll("203.0.113.32", old, "/health");
  expect((await ask("203.0.113.32", world.home.token)).status).toBe(200);
});

test("a password that is wrong is called wrong, however little the edge may ask", async () => {
  await spendQuestions();
  const ip = "203.0.113.41";
  expect(await askAll(ip, ["a", "hunter2", "a", "guess-3"])).toEqual([401, 401, 401, 401]);
  let count = 0;
  const said = await guess(ip, () => `guess-${(count += 1)}`);
  expect(said).toEqual(new Set([401, 429]));
});
