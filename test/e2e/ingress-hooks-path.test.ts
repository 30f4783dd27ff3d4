/** `hooks.path` counts at the edge as well: at once, for what is posted meanwhile, and with no core. */
import { EventEmitter, once } from "node:events";
import { rename, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { type CoreHome, type CoreProcess, createHome, startCore } from "../support/core.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { listening } from "../support/http-upstream.ts";
import { until } from "../support/until.ts";

const parts = new AsyncDisposableStack();
const pairing = randomToken();
let edge: RunningEdge;
let sink: URL;
let home: CoreHome;
let core: CoreProcess;
/** Bodies that were forwarded to us. */
const arrived: string[] = [];
const arrivals = new EventEmitter();

beforeAll(async () => {
  edge = parts.use(await startEdge({ bindings: { PAIRING_SECRET: pairing } }));
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      arrived.push(body);
      response.end();
      arrivals.emit("arrival");
    });
  });
  sink = parts.use(await listening(server)).url;
  home = parts.use(await createHome(edge, pairing));
  await configure("/hooks");
  core = await startCore(home, edge);
  parts.defer(() => core.kill());
});
afterAll(() => parts.disposeAsync());

/** As editors do it: the file is replaced whole. */
async function configure(path: string): Promise<void> {
  const { token, hooksToken, dir } = home;
  const routes = {
    ci: { verify: "bearer", secret: "the-ci-secret", forward: { url: new URL("/", sink).href } },
  };
  const config = {
    gateway: { auth: { token } },
    hooks: { enabled: true, token: hooksToken, path },
    sallyport: { ingress: { routes } },
  };
  const file = join(dir, "openclaw.json");
  await writeFile(`${file}.draft`, JSON.stringify(config), { mode: 0o600 });
  await rename(`${file}.draft`, file);
}

function post(path: string, body: string, token = "the-ci-secret"): Promise<Response> {
  return fetch(new URL(path, edge.url), {
    method: "POST",
    headers: {
      Authorization: `Bearer ${token}`,
      "Content-Type": "application/json",
      "Idempotency-Key": randomToken(),
    },
    body,
  });
}

async function statusOf(path: string): Promise<number> {
  const response = await post(path, '{"probe":true}');
  await response.arrayBuffer();
  return response.status;
}

/** Settles when the edge was told of the settings so many times. */
async function published(times: number): Promise<void> {
  await until(() => core.log.filter(isPublished).length >= times);
}

function isPublished(line: string): boolean {
  return line.includes("edge has our routes and tokens");
}

async function move(path: string): Promise<void> {
  const before = core.log.filter(isPublished).length;
  await configure(path);
  await published(before + 1);
}

async function bodyArrived(body: string): Promise<void> {
  while (!arrived.includes(body)) await once(arrivals, "arrival");
}

test("a new path is taken at once and the old one is gone, with the core and without", async () => {
  expect(await statusOf("/hooks/ci")).toBe(200);
  await move("/incoming/web");
  // The first that anybody posts there.
  expect(await statusOf("/incoming/web/ci")).toBe(200);
  expect(await statusOf("/hooks/ci")).toBe(404);
  expect((await fetch(new URL("/hooks/ci", core.url), { method: "POST" })).status).toBe(404);

  await move("/elsewhere");
  // The other way round: what is posted to the old path by who has not heard of it.
  expect(await statusOf("/incoming/web/ci")).toBe(404);
  expect(await statusOf("/elsewhere/ci")).toBe(200);
  expect(await statusOf("/hooks/ci")).toBe(404);

  await core.kill();
  expect(await statusOf("/hooks/ci")).toBe(404);
  expect(await statusOf("/incoming/web/ci")).toBe(404);
  expect((await post("/elsewhere/ci", '{"n":"spooled"}')).status).toBe(200);
  // A wrong secret is no token that is guessed: its sender may come back with the right one.
  expect((await post("/elsewhere/ci", "{}", "wrong")).status).toBe(401);
  core = await startCore(home, edge);
  await bodyArrived('{"n":"spooled"}');
});

test("what is posted while the path changes is delivered, or refused for its sender to know", async () => {
  await move("/hooks");
  const taken: string[] = [];
  const over = new AbortController();
  const sender = (async () => {
    for (let number = 0; !over.signal.aborted; number += 1) {
      for (const path of ["/hooks/ci", "/moved/ci"]) {
        const body = JSON.stringify({ number, path });
        const response = await post(path, body);
        await response.arrayBuffer();
        if (response.status === 200) taken.push(body);
      }
    }
  })();
  await until(() => taken.length > 2);
  await move("/moved");
  const since = taken.length;
  await until(() => taken.length > since + 5);
  over.abort();
  await sender;
  expect(taken.some((body) => body.includes("/moved/ci"))).toBe(true);
  expect(taken.some((body) => body.includes("/hooks/ci"))).toBe(true);
  for (const body of taken) await bodyArrived(body);
  expect(arrived.filter((body) => taken.includes(body)).toSorted()).toEqual(taken.toSorted());
  // Once it has moved, nothing is taken at the old place.
  expect(await statusOf("/hooks/ci")).toBe(404);
});
