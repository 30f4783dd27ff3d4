import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { GatewayError } from "../../shared/errors.ts";
import { randomToken } from "../../shared/bytes.ts";
import type { EdgeBundle } from "../../shared/edge-bundle.ts";
import { Secret } from "../../shared/secret.ts";
import { startEdge } from "../support/edge.ts";
import { callEdge, startEdgeWithCore } from "../support/edge-with-core.ts";
import { aBundle, connectCore, TOKENS } from "../support/tunnel-core.ts";
import { until } from "../support/until.ts";

const hook = (id: string): RequestInit & { token: string } => ({
  method: "POST",
  token: TOKENS.hook,
  headers: { "Idempotency-Key": id },
  body: "{}",
});

async function spooled(edge: URL): Promise<number> {
  const response = await callEdge(edge, "/health", { token: TOKENS.operator });
  const body = JSON.parse(await response.text());
  return body.core.spooled;
}

test("the limit is exact, and says when to come back", async () => {
  const bundle = await aBundle({ rate: { perSecond: 0.5, burst: 3 } });
  await using it = await startEdgeWithCore({ bundle: () => bundle });
  const answers: Response[] = [];
  for (let index = 0; index < 4; index += 1) {
    answers.push(await it.call("/v1/models", { token: TOKENS.operator }));
  }
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
  const seen = (name: string): (string | null)[] => answers.map(({ headers }) => headers.get(name));
  expect(seen("RateLimit-Limit")).toEqual(["3", "3", "3", "3"]);
  expect(seen("RateLimit-Remaining")).toEqual(["2", "1", "0", "0"]);
  expect(seen("Retry-After")).toEqual([null, null, null, "2"]);
  // Another caller has a budget of its own.
  expect((await it.call("/v1/models", { token: TOKENS.chat })).status).toBe(200);
});

test("a token that was taken back is refused at once, although its isolate still knows it", async () => {
  let bundle: EdgeBundle = await aBundle();
  await using it = await startEdgeWithCore({ bundle: () => bundle });
  expect((await it.call("/v1/models", { token: TOKENS.chat })).status).toBe(200);
  bundle = { ...bundle, verifiers: bundle.verifiers.filter(({ subject }) => subject !== "guest") };
  await it.core.republish();
  expect((await it.call("/v1/models", { token: TOKENS.chat })).status).toBe(401);
  expect((await it.call("/v1/models", { token: TOKENS.operator })).status).toBe(200);
});

test("a core too slow to commit gets the webhook from the spool, its sender a 2xx in time", async () => {
  const slow = Promise.withResolvers<"committed">();
  const tried: string[] = [];
  const shelf = new Map<string, string>();
  await using it = await startEdgeWithCore({
    shelf,
    deliver: ({ id }) => {
      tried.push(id);
      return slow.promise;
    },
  });
  const response = await it.call("/hooks/agent", hook("slow"));
  expect(response.status).toBe(200);
  expect(await spooled(it.edge.url)).toBe(1);
  slow.resolve("committed");
  await it.core.tunnel[Symbol.asyncDispose]();
  await using again = await connectCore({ edge: it.edge.url, pairing: it.pairing, shelf });
  await again.delivered(1);
  // The same id both times: the core's inbox takes it once.
  expect([tried, again.deliveries.map(({ id }) => id)]).toEqual([["agent:slow"], ["agent:slow"]]);
  await until(async () => (await spooled(it.edge.url)) === 0);
});

test("what the core refuses for good is refused to the sender, and not kept", async () => {
  await using it = await startEdgeWithCore({
    deliver: () => Promise.reject(new GatewayError("invalid_request", "no message in it")),
  });
  const response = await it.call("/hooks/agent", hook("bad"));
  expect([response.status, await spooled(it.edge.url)]).toEqual([400, 0]);
});

test("a core that cannot commit now gets it later", async () => {
  let ready = false;
  const shelf = new Map<string, string>();
  await using it = await startEdgeWithCore({
    shelf,
    deliver: () =>
      ready
        ? Promise.resolve("committed")
        : Promise.reject(new GatewayError("overloaded", "disk full", { retryAfterMs: 10 })),
  });
  expect((await it.call("/hooks/agent", hook("first"))).status).toBe(200);
  expect(await spooled(it.edge.url)).toBe(1);
  ready = true;
  // Another of the same lane waits behind it, and order is kept.
  expect((await it.call("/hooks/agent", hook("second"))).status).toBe(200);
  await it.core.tunnel[Symbol.asyncDispose]();
  await using again = await connectCore({ edge: it.edge.url, pairing: it.pairing, shelf });
  await again.delivered(2);
  expect(again.deliveries.map(({ id }) => id)).toEqual(["agent:first", "agent:second"]);
});

test.each([
  ["an empty body", "/hooks/agent", ""],
  ["a body of a whole row's size and more", "/hooks/large", "x".repeat(3_200_000)],
])("%s waits in the spool and comes out as it went in", async (_name, path, body) => {
  const shelf = new Map<string, string>();
  const bundle = await aBundle();
  const [agent] = bundle.routes;
  if (agent === undefined) throw new Error("no route");
  const routes = [...bundle.routes, { ...agent, name: "large", maxBodyBytes: 4_000_000 }];
  const published = (): EdgeBundle => ({ ...bundle, routes });
  await using it = await startEdgeWithCore({ shelf, bundle: published });
  await it.core.tunnel[Symbol.asyncDispose]();
  const sent = await it.call(path, { ...hook("kept"), body });
  expect([sent.status, await spooled(it.edge.url)]).toEqual([200, 1]);
  const { url } = it.edge;
  await using again = await connectCore({
    edge: url,
    pairing: it.pairing,
    shelf,
    bundle: published,
  });
  await again.delivered(1);
  expect(Buffer.from(again.deliveries[0]?.body ?? []).toString()).toBe(body);
});

test("every webhook that was answered 2xx outlives a runtime that is killed", async () => {
  const storageDir = await mkdtemp(join(tmpdir(), "sallyport-relay-"));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(storageDir, { recursive: true }));
  const pairing = new Secret(randomToken());
  const bindings = { PAIRING_SECRET: pairing.reveal() };
  const shelf = new Map<string, string>();
  const before = new Set(runtimes());
  const edge = cleanup.use(await startEdge({ bindings, storageDir }));
  await (await connectCore({ edge: edge.url, pairing, shelf })).tunnel[Symbol.asyncDispose]();

  const accepted: string[] = [];
  const sending = Array.from({ length: 40 }, async (_v, index) => {
    const response = await callEdge(edge.url, "/hooks/agent", hook(`w${index}`));
    if (response.status === 200) accepted.push(`agent:w${index}`);
  });
  await until(() => accepted.length > 0, { everyMs: 1 });
  for (const pid of runtimes()) if (!before.has(pid)) process.kill(pid, "SIGKILL");
  await Promise.allSettled(sending);

  await using edgeAgain = await startEdge({ bindings, storageDir });
  await using core = await connectCore({ edge: edgeAgain.url, pairing, shelf });
  await until(async () => (await spooled(edgeAgain.url)) === 0);
  const delivered = new Set(core.deliveries.map(({ id }) => id));
  expect(accepted.filter((id) => !delivered.has(id))).toEqual([]);
});

test("a runtime that is killed while it hands over what waited loses none of it", async () => {
  const storageDir = await mkdtemp(join(tmpdir(), "sallyport-relay-"));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(storageDir, { recursive: true }));
  const pairing = new Secret(randomToken());
  const bindings = { PAIRING_SECRET: pairing.reveal() };
  const shelf = new Map<string, string>();
  const before = new Set(runtimes());
  const edge = cleanup.use(await startEdge({ bindings, storageDir }));
  await (await connectCore({ edge: edge.url, pairing, shelf })).tunnel[Symbol.asyncDispose]();
  const ids = Array.from({ length: 200 }, (_v, index) => `w${index}`);
  for (const id of ids) expect((await callEdge(edge.url, "/hooks/agent", hook(id))).ok).toBe(true);

  const got: string[] = [];
  const deliver = async ({ id }: { readonly id: string }): Promise<"committed" | "duplicate"> => {
    const isNew = !got.includes(id);
    if (isNew) got.push(id);
    return isNew ? "committed" : "duplicate";
  };
  const first = cleanup.use(await connectCore({ edge: edge.url, pairing, shelf, deliver }));
  await first.delivered(30);
  for (const pid of runtimes()) if (!before.has(pid)) process.kill(pid, "SIGKILL");
  await first[Symbol.asyncDispose]();

  await using edgeAgain = await startEdge({ bindings, storageDir });
  await using core = await connectCore({ edge: edgeAgain.url, pairing, shelf, deliver });
  await until(async () => (await spooled(edgeAgain.url)) === 0);
  expect(core.deliveries.length).toBeGreaterThan(0);
  // All of one lane.
  expect(got).toEqual(ids.map((id) => `agent:${id}`));
});

/** Processes of the runtime that this process started. */
function runtimes(): number[] {
  const table = execFileSync("ps", ["-e", "-o", "pid=,ppid=,comm="], { encoding: "utf8" });
  return table
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, parent, name]) => name === "workerd" && parent === String(process.pid))
    .map(([pid]) => Number(pid));
}
