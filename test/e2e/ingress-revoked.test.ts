/** Settings of a route that have changed: they hold everywhere, before an isolate has heard of them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import type { EdgeBundle } from "../../shared/edge-bundle.ts";
import type { IngressRouteInput } from "../../shared/ingress/route.ts";
import { Secret } from "../../shared/secret.ts";
import { callEdge } from "../support/edge-with-core.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { becomes } from "../support/invariants.ts";
import { bundleMoodyEdge, moodsOf, type RelayMoods } from "../support/moody-relays.ts";
import { callRelay, webhook } from "../support/relay-calls.ts";
import { aBundle, connectCore, type TunnelCore } from "../support/tunnel-core.ts";
import { hmacText } from "../support/webhook-senders/signing.ts";
import { startWorld } from "./failures/world.ts";

const [PRIMARY, STANDBY] = ["weur:1", "enam:1"] as const;
const PATIENCE_MS = 20_000;

let scriptPath: string;

beforeAll(async () => {
  scriptPath = await bundleMoodyEdge();
});

function github(secrets: string[], change: Partial<IngressRouteInput> = {}): IngressRouteInput {
  return {
    name: "github",
    verification: { scheme: "github", secrets },
    maxBodyBytes: 1024,
    ...change,
  };
}

/** An edge and its core, which changes its mind about the routes. */
class Place implements AsyncDisposable {
  readonly edge: RunningEdge;
  readonly core: TunnelCore;
  readonly moods: RelayMoods;
  readonly #change: (bundle: EdgeBundle) => void;
  readonly #parts: AsyncDisposableStack;

  private constructor(
    edge: RunningEdge,
    core: TunnelCore,
    parts: { change: (bundle: EdgeBundle) => void; stack: AsyncDisposableStack },
  ) {
    this.edge = edge;
    this.core = core;
    this.moods = moodsOf(edge);
    this.#change = parts.change;
    this.#parts = parts.stack;
  }

  /** @param routes - Which the one isolate of this edge knows, for it has used the first of them. */
  static async open(...routes: IngressRouteInput[]): Promise<Place> {
    await using stack = new AsyncDisposableStack();
    const pairing = new Secret(randomToken());
    const edge = stack.use(
      await startEdge({
        scriptPath,
        rateLimits: false,
        bindings: { PAIRING_SECRET: pairing.reveal(), RELAYS: PRIMARY },
      }),
    );
    let bundle = await aBundle({ routes });
    const core = stack.use(await connectCore({ edge: edge.url, pairing, bundle: () => bundle }));
    const change = (next: EdgeBundle): void => void (bundle = next);
    const place = new Place(edge, core, { change, stack: stack.move() });
    expect((await post(edge, "0", "old")).status).toBe(200);
    await place.moods.calls();
    return place;
  }

  async publish(...routes: IngressRouteInput[]): Promise<void> {
    this.#change(await aBundle({ routes }));
    await this.core.republish();
  }

  get delivered(): string[] {
    return this.core.deliveries.map(({ id }) => id);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.disposeAsync();
  }
}

function post({ url }: RunningEdge, id: string, secret: string, body = "{}"): Promise<Response> {
  return callEdge(url, "/hooks/github", {
    method: "POST",
    headers: {
      "X-GitHub-Delivery": id,
      "X-Hub-Signature-256": `sha256=${hmacText("sha256", secret, [body], "hex")}`,
    },
    body,
  });
}

test("a secret that was taken back is refused at the first try", async () => {
  await using place = await Place.open(github(["new", "old"]));
  await place.publish(github(["new"]));
  expect((await post(place.edge, "1", "old")).status).toBe(401);
  expect((await post(place.edge, "2", "new")).status).toBe(200);
  expect(place.delivered).toEqual(["github:0", "github:2"]);
  // The relay did not agree; the isolate asked it, and did not have to be told again.
  const calls = (await place.moods.calls()).filter((call) => !call.endsWith("refusals"));
  expect(calls).toEqual(["deliver", "bundle", "deliver"].map((kind) => `${PRIMARY} ${kind}`));
});

test("many at once that were signed with it are all refused, and those of others are taken", async () => {
  await using place = await Place.open(github(["new", "old"]));
  await place.publish(github(["new"]));
  const statuses = await Promise.all(
    Array.from({ length: 40 }, async (_v, index) => {
      const secret = index % 2 === 0 ? "old" : "new";
      return [secret, (await post(place.edge, String(index + 1), secret)).status];
    }),
  );
  for (const [secret, status] of statuses) expect(status).toBe(secret === "old" ? 401 : 200);
  expect(place.delivered).toHaveLength(1 + 20);
  const questions = (await place.moods.calls()).filter((call) => call.endsWith("bundle"));
  expect(questions.length).toBeLessThanOrEqual(2);
});

test.each<[string, Partial<IngressRouteInput>, number]>([
  ["takes less", { maxBodyBytes: 1 }, 413],
  ["is closed to an address", { admission: { cidrs: ["192.0.2.0/24"] } }, 403],
  ["takes another method", { methods: ["PUT"] }, 405],
  ["takes another type", { contentTypes: ["text/csv"] }, 415],
])("a route that now %s does so at the first try", async (_name, change, status) => {
  await using place = await Place.open(github(["old"]));
  await place.publish(github(["old"], change));
  expect((await post(place.edge, "1", "old")).status).toBe(status);
  expect(place.delivered).toEqual(["github:0"]);
});

test("a route that was removed is a 404 at the first try", async () => {
  await using place = await Place.open(github(["old"]));
  await place.publish();
  expect((await post(place.edge, "1", "old")).status).toBe(404);
  expect(place.delivered).toEqual(["github:0"]);
});

test("a route that has changed in what does not matter to this webhook takes it", async () => {
  await using place = await Place.open(github(["old"]));
  await place.publish(github(["new", "old"], { maxBodyBytes: 2_048 }));
  expect((await post(place.edge, "1", "old")).status).toBe(200);
  expect(place.core.deliveries.at(-1)).toMatchObject({ id: "github:1", secret: 1 });
});

test("while nobody can say what has changed, a webhook is to come again", async () => {
  await using place = await Place.open(github(["new", "old"]));
  await place.publish(github(["new"]));
  await place.moods.set(PRIMARY, "throws", "bundle");
  for (const secret of ["old", "new"]) {
    const response = await post(place.edge, "1", secret);
    expect([response.status, response.headers.get("Retry-After")]).toEqual([503, "5"]);
  }
  await place.moods.set(PRIMARY, "well");
  expect((await post(place.edge, "1", "new")).status).toBe(200);
  expect(place.delivered).toEqual(["github:0", "github:1"]);
});

test("secrets that change under load cost no webhook of who has a good one", async () => {
  await using place = await Place.open(github(["old"]));
  const over = new AbortController();
  const statuses = new Set<number>();
  const send = async (sender: number): Promise<number> => {
    let sent = 0;
    for (; !over.signal.aborted || sent < 20; sent += 1) {
      statuses.add((await post(place.edge, `${sender}-${sent}`, "old")).status);
    }
    return sent;
  };
  const sending = [1, 2, 3, 4].map((sender) => send(sender));
  for (let round = 0; round < 10; round += 1) {
    await place.publish(github([`next-${round}`, "old"]));
    await place.core.delivered(place.core.deliveries.length + 5);
  }
  over.abort();
  const sent = (await Promise.all(sending)).reduce((sum, count) => sum + count, 0);
  expect([...statuses]).toEqual([200]);
  await place.core.delivered(1 + sent);
  expect(new Set(place.delivered).size).toBe(1 + sent);
});

test("a relay keeps nothing of what was judged by another route, with a core or without", async () => {
  await using world = await startWorld();
  const other = { ...webhook(1), mark: "of-another-route" };
  expect((await callRelay(world.edge, other)).status).toBe(409);
  await world.disconnect();
  await world.faults.rowsWritten();
  expect((await callRelay(world.edge, other)).status).toBe(409);
  expect([await world.faults.rowsWritten(), (await world.health()).spooled]).toEqual([0, 0]);
  // A Worker of the version before does not say what it has judged by.
  expect((await callRelay(world.edge, webhook(1))).status).toBe(200);
  expect((await world.health()).spooled).toBe(1);
  expect(world.ledger.order).toEqual([]);
});

test("a standby that is behind refuses nothing that is good, and takes nothing that is not", async () => {
  const storageDir = await mkdtemp(join(tmpdir(), "revoked-"));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(storageDir, { recursive: true, force: true }));
  const pairing = new Secret(randomToken());
  const shelf = new Map<string, string>();
  const start = (RELAYS: string): Promise<RunningEdge> =>
    startEdge({
      scriptPath,
      storageDir,
      rateLimits: false,
      bindings: { PAIRING_SECRET: pairing.reveal(), RELAYS },
    });
  const introduce = async (relays: readonly string[], secret: string): Promise<void> => {
    await using edge = await start(relays.join());
    const bundle = await aBundle({ routes: [github([secret])] });
    await using core = await connectCore({ edge: edge.url, pairing, shelf, bundle: () => bundle });
    const told = (): string[] => core.log.filter((line) => line.includes("edge has our routes"));
    expect(await becomes(async () => told().length >= relays.length, PATIENCE_MS)).toBe(true);
  };
  await introduce([PRIMARY, STANDBY], "old");
  await introduce([PRIMARY], "new");

  await using edge = await start(`${PRIMARY},${STANDBY}`);
  const moods = moodsOf(edge);
  await moods.set(PRIMARY, "throws", "deliver");
  for (const id of ["1", "2", "3"]) {
    const response = await post(edge, id, "new");
    expect([response.status, response.headers.get("X-Gw-Delivery")]).toEqual([200, "spooled"]);
  }
  expect((await post(edge, "4", "old")).status).toBe(401);
  const calls = await moods.calls();
  expect(calls).toContain(`${STANDBY} deliver`);
  expect(calls).not.toContain(`${STANDBY} bundle`);
});
