import { createHmac } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { rename, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, afterAll, beforeEach, expect, test } from "vitest";
import * as z from "zod";
import { randomToken } from "../../shared/bytes.ts";
import { type CoreHome, type CoreProcess, createHome, startCore } from "../support/core.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { listening } from "../support/http-upstream.ts";
import { runProgram } from "../support/run-program.ts";

/** Between two looks at something that has no event. */
const LOOK_MS = 50;

let edge: RunningEdge;
let sink: Awaited<ReturnType<typeof listening>>;
let home: CoreHome;
let core: CoreProcess;
const pairing = randomToken();
/** What was forwarded to us, by path. */
const arrived: { path: string; body: string }[] = [];
const arrivals = new EventEmitter();

beforeAll(async () => {
  edge = await startEdge({ bindings: { PAIRING_SECRET: pairing } });
  sink = await listening(
    createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        arrived.push({ path: request.url ?? "", body });
        response.end();
        arrivals.emit("arrival");
      });
    }),
  );
  home = await createHome(edge, pairing);
  core = await startCore(home, edge);
});
afterAll(async () => {
  await core.kill();
  await home[Symbol.asyncDispose]();
  await sink[Symbol.asyncDispose]();
  await edge[Symbol.asyncDispose]();
});
beforeEach(() => {
  arrived.length = 0;
});
afterEach(() => configure({}));

function route(...secrets: string[]): object {
  return { verify: "github", secrets, forward: { url: new URL("/sink", sink.url).href } };
}

/** As editors do it: the file is replaced whole. */
async function configure(routes: object): Promise<void> {
  const { token, hooksToken, dir } = home;
  const config = {
    gateway: { auth: { token } },
    hooks: { enabled: true, token: hooksToken },
    sallyport: { ingress: { routes } },
  };
  await replace(join(dir, "openclaw.json"), JSON.stringify(config));
}

async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.draft`, text, { mode: 0o600 });
  await rename(`${file}.draft`, file);
}

function post(name: string, secret: string, body = `{"id":"${randomToken()}"}`): Promise<Response> {
  const signature = createHmac("sha256", secret).update(body).digest("hex");
  return fetch(new URL(`/hooks/${name}`, edge.url), {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "X-GitHub-Delivery": randomToken(),
      "X-Hub-Signature-256": `sha256=${signature}`,
    },
    body,
  });
}

/** An address that has failed often is told to come later, and is let in with what is right. */
const REFUSED = [401, 429];

/** The edge has been told: a webhook is answered with one of these. */
async function answered(name: string, secret: string, statuses: readonly number[]): Promise<void> {
  for (;;) {
    const response = await post(name, secret);
    await response.arrayBuffer();
    if (statuses.includes(response.status)) return;
    await sleep(LOOK_MS);
  }
}

async function logged(text: string, since = 0): Promise<void> {
  while (!core.log.slice(since).some((line) => line.includes(text))) await sleep(LOOK_MS);
}

async function bodyArrived(body: string): Promise<void> {
  while (!arrived.some((one) => one.body === body)) await once(arrivals, "arrival");
}

const DeadLetters = z.object({
  relays: z.array(z.object({ report: z.object({ webhooks: z.object({ dead: z.number() }) }) })),
});

/** As `sallyport tunnel status --json` prints it. */
async function deadLetters(): Promise<number> {
  const args = ["tunnel", "status", "--json", "--port", new URL(core.url).port];
  const { out } = await runProgram(args, { cwd: home.dir, env: home.env });
  const { relays } = DeadLetters.parse(JSON.parse(out));
  return relays.reduce((sum, { report }) => sum + report.webhooks.dead, 0);
}

test("a route that is written into the file works without a restart", async () => {
  expect((await post("ci", "first")).status).toBe(404);
  await configure({ ci: route("first") });
  await answered("ci", "first", [200]);
  const body = '{"run":1}';
  expect((await post("ci", "first", body)).status).toBe(200);
  await bodyArrived(body);
  expect(REFUSED).toContain((await post("ci", "wrong")).status);
});

test("a secret is rotated without a webhook that is refused", async () => {
  await configure({ ci: route("old") });
  await answered("ci", "old", [200]);
  await configure({ ci: route("new", "old") });
  await answered("ci", "new", [200]);
  expect((await post("ci", "old")).status).toBe(200);
  await configure({ ci: route("new") });
  await answered("ci", "old", REFUSED);
  expect((await post("ci", "new")).status).toBe(200);
});

test("a secret in a variable is read anew", async () => {
  const variables = join(home.dir, ".env");
  await replace(variables, "CI_SECRET=one\n");
  await configure({ ci: route("${CI_SECRET}") });
  await answered("ci", "one", [200]);
  await replace(variables, "CI_SECRET=two\n");
  await answered("ci", "two", [200]);
});

test("a file with a mistake in it changes nothing, and says what is wrong", async () => {
  await configure({ ci: route("first") });
  await answered("ci", "first", [200]);
  const since = core.log.length;
  await configure({ ci: { ...route("other"), verfy: "github" } });
  await logged("config is invalid: nothing has changed", since);
  const line = core.log.slice(since).find((text) => text.includes("config is invalid"));
  expect(line).toContain("sallyport.ingress.routes.ci.verfy: is not a setting; did you mean");
  expect((await post("ci", "first")).status).toBe(200);
  expect(REFUSED).toContain((await post("ci", "other")).status);
});

test("what waits for a route that is gone ends as a dead letter, and the others are delivered", async () => {
  await configure({ kept: route("k"), gone: route("g") });
  await answered("kept", "k", [200]);
  await answered("gone", "g", [200]);
  const before = await deadLetters();
  await core.kill();
  // Taken in by the edge alone.
  const bodies = ['{"n":1}', '{"n":2}', '{"n":3}'];
  for (const body of bodies) {
    expect((await post("gone", "g", body)).status).toBe(200);
    expect((await post("kept", "k", body)).status).toBe(200);
  }
  await configure({ kept: route("k") });
  core = await startCore(home, edge);
  for (const body of bodies) await bodyArrived(body);
  while ((await deadLetters()) < before + bodies.length) await sleep(LOOK_MS);
  // In their order, once each, and none of those that were for the other route.
  expect(arrived.map(({ body }) => body).filter((body) => bodies.includes(body))).toEqual(bodies);
  await answered("gone", "g", [404]);
});
