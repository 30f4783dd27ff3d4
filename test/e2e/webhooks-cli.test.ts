/** What people see of webhooks and do about them by the command line, with a real edge and core. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Stripe } from "stripe";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import * as z from "zod";
import {
  Replayed,
  Routes,
  Tested,
  WebhookDetails,
  WebhookEntry,
} from "../../core/webhooks/methods/answers.ts";
import { reply } from "../support/fake-model.ts";
import { listening } from "../support/http-upstream.ts";
import { type Run, runProgram } from "../support/run-program.ts";
import {
  githubHeaders,
  SECRETS,
  type WebhookWorld,
  webhookWorld,
} from "../support/webhook-world.ts";

const MAIN = fileURLToPath(new URL("../../core/sallyport.mjs", import.meta.url));
const STRIPE_SECRET = "whsec_0123456789abcdef";
const stripe = new Stripe("sk_test_unused");

const Listed = z.object({ webhooks: z.array(WebhookEntry), silent: z.array(z.string()) });

/** Each look starts a process, and other tests run beside this one. */
const PATIENCE = { timeout: 20_000 };

let world: WebhookWorld;

beforeAll(async () => {
  world = await webhookWorld((upstream) => ({
    github: {
      verify: "github",
      secret: SECRETS.github,
      agent: {
        template: "Pushed to {{ref}}",
        deliver: { channel: "telegram", to: "42" },
      },
    },
    slack: { verify: "slack", secret: SECRETS.slack, agent: { template: "{{event.text}}" } },
    stripe: {
      verify: "stripe",
      secret: STRIPE_SECRET,
      when: { path: "type", equals: "invoice.paid" },
      agent: { template: "{{type}}" },
    },
    late: {
      verify: "github",
      secret: SECRETS.github,
      verifyAt: "core",
      mode: "durable",
      agent: { template: "x" },
    },
    onward: {
      verify: "github",
      secret: SECRETS.github,
      forward: { url: new URL("/onward", upstream).href },
    },
  }));
  world.model.always(reply((said) => `re: ${said}`));
  world.telegram.chats.add("42");
});

afterAll(() => world[Symbol.asyncDispose]());

function flags(): string[] {
  return ["--port", new URL(world.core.url).port, "--token", world.home.token];
}

function webhooks(...args: string[]): Promise<Run> {
  const { dir: cwd, env } = world.home;
  return runProgram(["webhooks", ...args, ...flags()], { cwd, env });
}

/** One that must end with 0: what it printed, as JSON. */
async function json(...args: string[]): Promise<unknown> {
  const { code, out, err } = await webhooks(...args, "--json");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out);
}

async function newest(route: string): Promise<WebhookEntry> {
  const { webhooks: found } = Listed.parse(await json("list", "--route", route, "--limit", "1"));
  const [entry] = found;
  if (entry === undefined) throw new Error(`nothing came to ${route}`);
  return entry;
}

/** As Stripe's own library signs it. */
function fromStripe(body: string): Promise<Response> {
  const signature = stripe.webhooks.generateTestHeaderString({
    payload: body,
    secret: STRIPE_SECRET,
  });
  return world.send("stripe", body, { "Stripe-Signature": signature });
}

/** `webhooks tail`, line by line. */
function tail(...args: string[]): { child: ChildProcess; lines: AsyncIterator<string> } {
  const child = spawn(process.execPath, [MAIN, "webhooks", "tail", "--json", ...args], {
    cwd: world.home.dir,
    env: world.home.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  child.stderr.resume();
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

async function next(lines: AsyncIterator<string>): Promise<WebhookEntry> {
  const { value, done } = await lines.next();
  if (done === true) throw new Error("tail has ended");
  return WebhookEntry.parse(JSON.parse(value));
}

/** A server of a developer, which checks what it gets by Stripe's own library. */
async function stripeServer() {
  const events: { type: string; replay: string; method: string }[] = [];
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request);
    const { "stripe-signature": signature = "", "x-gw-replay": replay } = request.headers;
    const { type } = stripe.webhooks.constructEvent(body, signature, STRIPE_SECRET);
    events.push({ type, replay: String(replay), method: request.method ?? "" });
    response.writeHead(202).end();
  };
  const server = await listening(createServer((request, response) => void take(request, response)));
  onTestFinished(() => server[Symbol.asyncDispose]());
  return { events, url: new URL("/hook", server.url).href };
}

test("routes are shown with their address at the edge, and no secret", async () => {
  const { code, out } = await webhooks("routes", "--json");
  expect(code).toBe(0);
  for (const secret of [...Object.values(SECRETS), STRIPE_SECRET])
    expect(out).not.toContain(secret);
  const { routes } = Routes.parse(JSON.parse(out));
  expect(routes.find(({ name }) => name === "stripe")).toMatchObject({
    url: new URL("/hooks/stripe", world.edge.url).href,
    scheme: "stripe",
    verifiedAt: "edge",
    target: 'an agent turn when type is "invoice.paid"',
  });
  expect(routes.find(({ name }) => name === "late")).toMatchObject({ verifiedAt: "core" });
  expect((await webhooks("routes")).out).toContain("github (by the core)");
});

test.each([
  ["github", undefined, "done"],
  ["slack", "app_mention", "done"],
  ["stripe", "invoice.paid", "done"],
  ["stripe", "charge.refunded", "filtered"],
  ["late", undefined, "done"],
])("a sample for %s (%s) goes through the edge and is %s", async (route, event, state) => {
  const more = event === undefined ? [] : ["--event", event];
  const tested = Tested.parse(await json("test", route, "--wait", ...more));
  expect(tested).toMatchObject({
    url: new URL(`/hooks/${route}`, world.edge.url).href,
    status: 200,
    webhook: { route, state, requestId: tested.requestId },
  });
});

test("a sample that only tests the address is answered at the edge", async () => {
  const { code, out } = await webhooks("test", "slack", "--event", "url_verification");
  expect(code).toBe(0);
  expect(out).toContain("answered at the door");
});

test("one trace id leads from the request to the reply", async () => {
  const response = await world.github("trace-1", { ref: "refs/heads/main" });
  expect(response.ok).toBe(true);
  const trace = response.headers.get("X-Request-Id") ?? "";
  await world.until(() => world.telegram.sent.some(({ text }) => text.includes("Pushed")));
  await expect
    .poll(async () => {
      const { timeline } = WebhookDetails.parse(await json("show", trace));
      return timeline.map(({ what }) => what);
    }, PATIENCE)
    .toEqual(["received", "accepted", "began", "ended", "replied"]);
  const shown = WebhookDetails.parse(await json("show", trace));
  expect(shown).toMatchObject({ id: "github:trace-1", requestId: trace, state: "done" });
  expect(shown.timeline.at(-1)?.text).toMatch(/^reply to telegram 42 sent as /);
  expect(world.core.log.some((line) => line.includes(trace) && line.includes("turn"))).toBe(true);
  const { out } = await webhooks("show", "github:trace-1");
  expect(out).toContain(`trace:     ${trace}`);
  expect(out).toContain('{"ref":"refs/heads/main"}');
  expect(out).toContain("x-hub-signature-256: sha256=");
});

test("the bytes of a body come back as they were sent", async () => {
  const body = { ref: "é", pad: "x".repeat(700_000) };
  expect((await world.github("long-1", body)).ok).toBe(true);
  const shown = WebhookDetails.parse(await json("show", "github:long-1"));
  expect(shown.body.truncated).toBe(true);
  const { out } = await webhooks("show", "github:long-1", "--body");
  expect(out).toBe(`${JSON.stringify(body)}\n`);
});

test("what strangers put into names and headers cannot move the cursor", async () => {
  // Raw: JSON would have escaped it.
  const body = `{"ref":"\u202Eevil\u2028"}`;
  await world.send("github", body, githubHeaders("hostile-1", body));
  const { out } = await webhooks("show", "github:hostile-1");
  expect(out).toContain('{"ref":"\uFFFDevil\uFFFD"}');
});

test("lists know filters by route, state and time", async () => {
  await world.github("list-1", { ref: "a" });
  const since = new Date(Date.now() - 60_000).toISOString();
  const recent = Listed.parse(await json("list", "--route", "github", "--since", since));
  expect(recent.webhooks.map(({ id }) => id)).toContain("github:list-1");
  expect(recent.webhooks.every(({ route }) => route === "github")).toBe(true);
  const old = Listed.parse(await json("list", "--until", "1d"));
  expect(old.webhooks).toEqual([]);
  const filtered = Listed.parse(await json("list", "--state", "filtered"));
  expect(filtered.webhooks.every(({ state }) => state === "filtered")).toBe(true);
  expect((await webhooks("list", "--since", "yesterday")).code).toBe(1);
});

test("tail shows what comes in while it comes in, and ends with 0 on Ctrl-C", async () => {
  const { child, lines } = tail("--route", "github", "--since", "1h", ...flags());
  expect((await next(lines)).route).toBe("github");
  await world.github("tail-1", { ref: "a" });
  await fromStripe('{"id":"evt_other","object":"event","type":"x","data":{"object":{}}}');
  await world.github("tail-2", { ref: "b" });
  const seen: string[] = [];
  while (seen.at(-1) !== "github:tail-2") seen.push((await next(lines)).id);
  expect(seen.slice(-2)).toEqual(["github:tail-1", "github:tail-2"]);
  child.kill("SIGINT");
  expect(await once(child, "exit")).toEqual([0, null]);
});

test("tail through the edge goes on over a restart of the core, and misses nothing", async () => {
  const token = ["--url", world.edge.url.origin, "--token", world.home.token];
  const { lines } = tail("--route", "onward", "--since", "1h", ...token);
  await world.send(...onward("restart-1"));
  expect((await next(lines)).id).toBe("onward:restart-1");
  await world.core.kill();
  const waiting = world.send(...onward("restart-2"));
  await world.restart();
  expect((await waiting).ok).toBe(true);
  expect((await next(lines)).id).toBe("onward:restart-2");
  await world.send(...onward("restart-3"));
  expect((await next(lines)).id).toBe("onward:restart-3");
});

test("a dry run says what would run, and runs nothing; a replay runs it once more", async () => {
  await world.github("again-1", { ref: "again" });
  await expect.poll(async () => (await newest("github")).state, PATIENCE).toBe("done");
  const asked = world.model.requestCount;
  const dry = Replayed.parse(await json("replay", "github:again-1", "--dry-run"));
  expect(dry.replayed).toMatchObject([{ id: "github:again-1", as: null }]);
  expect(dry.replayed[0]?.runs).toContain("hook on lane github");
  expect(world.model.requestCount).toBe(asked);

  const run = Replayed.parse(await json("replay", "github:again-1"));
  expect(run.replayed).toMatchObject([{ id: "github:again-1", as: "github:again-1#1" }]);
  await world.until(() => world.model.requestCount === asked + 1);
  expect(await newest("github")).toMatchObject({ replayOf: "github:again-1" });

  const ranged = Replayed.parse(
    await json("replay", "--route", "github", "--since", "1h", "--limit", "3", "--dry-run"),
  );
  expect(ranged.replayed).toHaveLength(3);
  expect((await webhooks("replay", "github:never")).code).toBe(1);
  expect((await webhooks("replay")).code).toBe(1);
});

test("the log is replayed to a local server, which finds Stripe's signature genuine", async () => {
  const server = await stripeServer();
  const body =
    '{\n  "id": "evt_fwd",  "object": "event", "type": "invoice.paid", "data": {"object": {}}}';
  expect((await fromStripe(body)).ok).toBe(true);
  const { code, out, err } = await webhooks("replay", "stripe:evt_fwd", "--forward", server.url);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toMatch(/^stripe:evt_fwd: 202 in \d+ ms\n$/);
  expect(server.events).toEqual([
    { type: "invoice.paid", replay: "stripe:evt_fwd#1", method: "POST" },
  ]);
});

test("tail sends what comes in on to a local server", async () => {
  const server = await stripeServer();
  const { lines } = tail("--route", "stripe", "--forward", server.url, "--since", "1s", ...flags());
  await fromStripe('{"id":"evt_live","object":"event","type":"invoice.paid","data":{"object":{}}}');
  let line = "";
  while (!line.includes("evt_live")) line = String((await lines.next()).value);
  expect(JSON.parse(line)).toMatchObject({ forwarded: { status: 202, error: null } });
  expect(server.events.some(({ replay }) => replay === "stripe:evt_live#1")).toBe(true);
});

test("dead letters of the edge and of the core are listed, replayed and dropped", async () => {
  const forged = {
    "X-Hub-Signature-256": `sha256=${"0".repeat(64)}`,
    "X-GitHub-Delivery": "forged",
  };
  await world.send("late", "{}", { ...forged, "X-GitHub-Event": "push" });
  world.statuses.push(400);
  await world.send(...onward("dead-1"));

  const letters = async (): Promise<WebhookEntry[]> =>
    Listed.parse(await json("dead-letters")).webhooks;
  const routesOfLetters = async (): Promise<string[]> =>
    (await letters()).map(({ route }) => route);
  await expect.poll(routesOfLetters, PATIENCE).toEqual(["late", "onward"]);
  const [edge, core] = await letters();
  expect(edge?.id).toMatch(/^edge\/[^/]+\/\d+$/);
  expect(core).toMatchObject({ id: "onward:dead-1", reason: expect.stringContaining("400") });
  const shown = WebhookDetails.parse(await json("show", edge?.id ?? ""));
  expect(shown).toMatchObject({ state: "dead", route: "late", body: { preview: "{}" } });

  const posted = world.posted.length;
  await json("dead-letters", "replay", "onward:dead-1");
  await world.until(() => world.posted.length === posted + 1);
  expect(await routesOfLetters()).toEqual(["late"]);
  // Still nobody has signed it: it dies again.
  await json("dead-letters", "replay", "--route", "late");
  await expect.poll(routesOfLetters, PATIENCE).toEqual(["late"]);
  expect((await webhooks("dead-letters", "drop", "--all")).out).toBe("1 dropped\n");
  expect((await webhooks("dead-letters")).out).toBe("no dead letters\n");
});

/** A webhook of GitHub's to the route that posts on. */
function onward(id: string): [string, string, Record<string, string>] {
  const body = JSON.stringify({ id });
  return ["onward", body, githubHeaders(id, body)];
}
