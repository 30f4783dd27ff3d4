/** What programs with the hooks token are told when they are refused: the same at both doors. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type MatrixWorld, startMatrixWorld } from "../support/matrix-world.ts";
import { readOpenApi } from "../support/open-api.ts";
import { rawRequest } from "../support/raw-request.ts";
import { eventually } from "../support/until.ts";

let world: MatrixWorld;
beforeAll(async () => {
  world = await startMatrixWorld();
  await eventually(async () => expect((await refusal("the edge", {})).status).toBe(400));
});
afterAll(() => world[Symbol.asyncDispose]());

const DOORS = ["the core's own port", "the edge"] as const;

interface Ask {
  readonly path?: string;
  readonly method?: string;
  readonly token?: string | undefined;
  readonly type?: string;
  readonly body?: string;
}

async function refusal(
  door: (typeof DOORS)[number],
  { path = "/hooks/wake", method = "POST", token, type = "application/json", body = "{}" }: Ask,
) {
  const shown = token ?? world.home.hooksToken;
  const { status, headers, text } = await rawRequest(world.url(door), path, {
    method,
    headers: {
      ...(shown === "" ? {} : { Authorization: `Bearer ${shown}` }),
      ...(method === "GET" ? {} : { "Content-Type": type }),
    },
    body: method === "GET" ? "" : body,
  });
  return { status, type: headers["content-type"], text, headers };
}

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json";

test.each<[string, Ask, number, string, unknown]>([
  ["a wrong token", { token: "wrong" }, 401, TEXT, "Unauthorized"],
  ["no token", { token: "" }, 401, TEXT, "Unauthorized"],
  ["another method", { method: "GET" }, 405, TEXT, "Method Not Allowed"],
  ["nothing to say", {}, 400, JSON_TYPE, { ok: false, error: "text required" }],
  ["no JSON", { body: "{" }, 400, JSON_TYPE, { ok: false }],
  [
    "no such agent",
    { path: "/hooks/agent", body: '{"message":"x","agentId":"nope"}' },
    400,
    JSON_TYPE,
    { ok: false, error: 'unknown agentId "nope"' },
  ],
  [
    "a token in the address",
    { path: "/hooks/wake?token=x" },
    400,
    "application/problem+json",
    { code: "invalid_request" },
  ],
  [
    "very much",
    { body: JSON.stringify({ text: "x".repeat(300_000) }) },
    413,
    JSON_TYPE,
    { ok: false, error: "payload too large" },
  ],
])("%s is refused in the same words at both doors", async (_name, ask, status, type, said) => {
  for (const door of DOORS) {
    const answer = await refusal(door, ask);
    expect([answer.status, answer.type], door).toEqual([status, type]);
    if (type === TEXT) expect(answer.text, door).toBe(said);
    else expect(JSON.parse(answer.text), door).toMatchObject(Object(said));
    expect(answer.headers["x-request-id"], door).toMatch(/./);
    if (status === 401) expect(answer.headers["www-authenticate"], door).toMatch(/^Bearer/);
    if (status === 405) expect(answer.headers["allow"], door).toBe("POST");
  }
});

test("the document of the API has all of them, and what scrapers hear who show nothing", async () => {
  const headers = { Authorization: `Bearer ${world.home.token}` };
  const served = await rawRequest(new URL(world.core.url), "/openapi.json", { headers });
  const operations = readOpenApi(JSON.parse(served.text));
  const hook = operations.find(({ id }) => id === "postHook");
  expect([...(hook?.answers.keys() ?? [])]).toEqual(
    expect.arrayContaining([200, 400, 401, 404, 405, 413, 415, 429]),
  );
  const { status, text } = await refusal("the core's own port", {});
  expect(hook?.answers.get(status)?.safeParse(JSON.parse(text)).success).toBe(true);
  const metrics = operations.find(({ id }) => id === "getMetrics");
  const scraped = await rawRequest(new URL(world.core.url), "/metrics", { headers: {} });
  expect(scraped.status).toBe(401);
  expect(metrics?.answers.get(401)?.safeParse(JSON.parse(scraped.text)).success).toBe(true);
});
