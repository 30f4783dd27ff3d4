/** The secrets of webhook routes, where they are kept: not to be read there, and not for ever. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import type { EdgeBundle } from "../../shared/edge-bundle.ts";
import { Secret } from "../../shared/secret.ts";
import { callEdge } from "../support/edge-with-core.ts";
import { type EdgeOptions, startEdge } from "../support/edge.ts";
import { bundleFaultyEdge, faultsOf } from "../support/evict.ts";
import { aBundle, connectCore, TOKENS, type TunnelCore } from "../support/tunnel-core.ts";
import { hmacText } from "../support/webhook-senders/signing.ts";
import { until } from "../support/until.ts";

const SECRET = "github-secret-hunter2-hunter2";

function bundleWith(secrets: string[], change: Parameters<typeof aBundle>[0] = {}) {
  const verification = { scheme: "github" as const, secrets };
  return aBundle({ routes: [{ name: "github", verification, maxBodyBytes: 1024 }], ...change });
}

function post(url: URL, id: string, secret = SECRET): Promise<Response> {
  const body = `{"number":${JSON.stringify(id)}}`;
  return callEdge(url, "/hooks/github", {
    method: "POST",
    headers: {
      "X-GitHub-Delivery": id,
      "X-Hub-Signature-256": `sha256=${hmacText("sha256", secret, [body], "hex")}`,
    },
    body,
  });
}

/** All that is written in a folder, as one text. */
async function contentsOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const texts = files.map((file) => readFile(join(file.parentPath, file.name), "latin1"));
  return (await Promise.all(texts)).join("");
}

/** An edge and a core that can each go and come back. */
class Place implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly #pairing = new Secret(randomToken());
  readonly #shelf = new Map<string, string>();
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(): Promise<Place> {
    return new Place(await mkdtemp(join(tmpdir(), "sealing-")));
  }

  startEdge(bindings: Record<string, string> = {}, options: EdgeOptions = {}) {
    return startEdge({
      storageDir: this.#folder,
      rateLimits: false,
      onLine: (line) => this.lines.push(line),
      ...options,
      bindings: { PAIRING_SECRET: this.#pairing.reveal(), ...bindings },
    });
  }

  connect(edge: URL, bundle: () => EdgeBundle): Promise<TunnelCore> {
    return connectCore({ edge, pairing: this.#pairing, shelf: this.#shelf, bundle });
  }

  /** A core that tells the edge its routes, and goes. */
  async introduce(edge: URL, bundle: EdgeBundle): Promise<void> {
    const core = await this.connect(edge, () => bundle);
    await core[Symbol.asyncDispose]();
  }

  contents(): Promise<string> {
    return contentsOf(this.#folder);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true });
  }
}

test("what the edge has written down holds no secret of a route, nor does its log", async () => {
  await using place = await Place.open();
  const bundle = await bundleWith([SECRET], {
    outageAlert: {
      afterMs: 60_000,
      url: "https://alerts.test/bot-token-hunter3",
      headers: [],
      body: "x",
    },
  });
  {
    await using edge = await place.startEdge();
    await using core = await place.connect(edge.url, () => bundle);
    expect((await post(edge.url, "1")).status).toBe(200);
    expect((await post(edge.url, "2", "wrong")).status).toBe(401);
    await core.republish();
  }
  const written = await place.contents();
  // It is where the bundle is: tokens stand there by their digest.
  expect(written).toContain(bundle.verifiers[0]?.digest);
  for (const secret of [SECRET, "hunter3", "alerts.test"]) {
    expect(written).not.toContain(secret);
    expect(place.lines.join("\n")).not.toContain(secret);
  }
});

test("an edge that comes back with its key goes on without its core", async () => {
  await using place = await Place.open();
  {
    await using edge = await place.startEdge();
    await place.introduce(edge.url, await bundleWith([SECRET]));
  }
  await using edge = await place.startEdge();
  const response = await post(edge.url, "1");
  expect([response.status, response.headers.get("X-Gw-Delivery")]).toEqual([200, "spooled"]);
});

test("with another key webhooks are to come again, and are taken as soon as the core is back", async () => {
  await using place = await Place.open();
  const bundle = await bundleWith([SECRET]);
  {
    await using edge = await place.startEdge();
    await place.introduce(edge.url, bundle);
  }
  await using edge = await place.startEdge({ SEAL_KEY: randomToken() });
  const early = await post(edge.url, "1");
  expect([early.status, early.headers.get("Retry-After")]).toEqual([503, "5"]);
  await until(() => place.lines.some((line) => line.includes("routes_locked")));
  // Who has a token is served as ever: it is not among what is sealed.
  expect((await callEdge(edge.url, "/health", { token: TOKENS.operator })).status).toBe(200);

  await using core = await place.connect(edge.url, () => bundle);
  expect((await post(edge.url, "1")).status).toBe(200);
  expect(core.deliveries.map(({ id }) => id)).toEqual(["github:1"]);
});

test("without a key no secret is taken, what needs none is, and the core is told what to do", async () => {
  await using place = await Place.open();
  await using edge = await place.startEdge({ SEAL_KEY: "" });
  const { routes } = await aBundle();
  const send = () =>
    callEdge(edge.url, "/hooks/agent", {
      method: "POST",
      headers: { Authorization: `Bearer ${TOKENS.hook}` },
      body: "{}",
    });
  let bundle = await aBundle({ routes });
  await using core = await place.connect(edge.url, () => bundle);
  expect((await send()).status).toBe(200);

  const withSecret = await bundleWith([SECRET]);
  bundle = { ...bundle, routes: [...routes, ...withSecret.routes] };
  core.tunnel.publish();
  await core.logged("edge refused our routes and tokens");
  expect(core.log.join("\n")).toContain("SEAL_KEY");
  expect(core.log.join("\n")).not.toContain(SECRET);
  // What was known before still is, and the core goes on to lead.
  expect((await send()).status).toBe(200);
  expect(core.deliveries).toHaveLength(2);
  expect((await post(edge.url, "1")).status).toBe(404);
  expect(await place.contents()).not.toContain(SECRET);
});

test("a secret that the sender changes before this isolate has heard of it is asked for", async () => {
  await using place = await Place.open();
  await using edge = await place.startEdge();
  let bundle = await bundleWith(["old"]);
  await using core = await place.connect(edge.url, () => bundle);
  expect((await post(edge.url, "1", "old")).status).toBe(200);

  bundle = await bundleWith(["new", "old"]);
  await core.republish();
  // It has asked a moment ago, and soon may again.
  let status = 0;
  while (status !== 200) ({ status } = await post(edge.url, "2", "new"));
  expect((await post(edge.url, "3", "old")).status).toBe(200);
  expect(core.deliveries.map(({ secret }) => secret)).toEqual([0, 0, 1]);

  bundle = await bundleWith(["new"]);
  await core.republish();
  // The isolate hears of it with the next answer of the relay.
  let tries = 0;
  while ((await post(edge.url, `old-${tries}`, "old")).status === 200) tries += 1;
  expect((await post(edge.url, "4", "new")).status).toBe(200);
});

test("who is to be told of an outage is told once, as the core has written it down", async () => {
  const requests: { readonly url: string | undefined; readonly body: string }[] = [];
  const heard = Promise.withResolvers<void>();
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    requests.push({ url: request.url, body: await text(request) });
    response.end("{}");
    heard.resolve();
  };
  const server = createServer((request, response) => void take(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const outageAlert = {
    afterMs: 60_000,
    url: `http://127.0.0.1:${port}/bot-token-hunter3`,
    headers: [],
    body: "the core is away",
  };
  await using place = await Place.open();
  await using edge = await place.startEdge({}, { scriptPath: await bundleFaultyEdge() });
  {
    const bundle = await bundleWith([SECRET], { outageAlert });
    await using core = await place.connect(edge.url, () => bundle);
    expect((await post(edge.url, "1")).status).toBe(200);
    expect(core.deliveries).toHaveLength(1);
  }
  expect((await post(edge.url, "2")).headers.get("X-Gw-Delivery")).toBe("spooled");
  expect(requests).toEqual([]);

  await faultsOf(edge).setClock(61_000);
  for (const id of ["3", "4", "5"]) expect((await post(edge.url, id)).status).toBe(200);
  await heard.promise;
  expect(requests).toEqual([{ url: "/bot-token-hunter3", body: "the core is away" }]);
  expect(place.lines.join("\n")).not.toContain("hunter3");
  server.closeAllConnections();
  server.close();
});
