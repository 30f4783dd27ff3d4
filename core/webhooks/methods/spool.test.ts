import { expect, onTestFinished, test } from "vitest";
import { Secret } from "../../../shared/secret.ts";
import { startFakeEdge } from "../../../test/support/fake-edge.ts";
import { connectCore } from "../../../test/support/tunnel-core.ts";
import { detailsAtEdge } from "./entry.ts";
import { entryOf, merge, placeOf, Spools } from "./spool.ts";

function item(seq: number, change: object = {}) {
  return {
    seq,
    id: `github:${seq}`,
    route: "github",
    lanes: ["github"],
    state: "waiting" as const,
    receivedAt: seq / 1_000,
    attempts: 0,
    nextAt: null,
    size: 2,
    reason: null,
    requestId: "r",
    verified: "github",
    ...change,
  };
}

/** A core at a relay that answers `GET /spool` so. */
async function world(answer: (path: string, body: string) => { status: number; body?: object }) {
  const edge = await startFakeEdge();
  onTestFinished(() => edge[Symbol.asyncDispose]());
  edge.onAsked = ({ path, body }) => {
    if (!path.startsWith("/spool")) return { status: 204 };
    const { status, body: json } = answer(path, body);
    return { status, ...(json === undefined ? {} : { body: JSON.stringify(json) }) };
  };
  const pairing = new Secret("unused");
  const core = await connectCore({ edge: edge.url, pairing, settings: { pairing: undefined } });
  onTestFinished(() => core[Symbol.asyncDispose]());
  await edge.link(1);
  const [relay] = core.tunnel.relays;
  if (relay === undefined) throw new Error("no relay");
  return { edge, spools: new Spools(() => core.tunnel), relay: relay.name };
}

test.each([
  ["edge/weur:1/1700000000000000", { relay: "weur:1", seq: 1_700_000_000_000_000 }],
  ["edge/primary/0", { relay: "primary", seq: 0 }],
  ["github:edge/1/2", undefined],
  ["edge/weur:1/-1", undefined],
  ["edge/weur:1/1e3", undefined],
  ["edge/weur:1/12345678901234567", undefined],
  ["edge//1", undefined],
  ["edge/a/b/1", undefined],
  ["xedge/a/1", undefined],
])("%s is a place at the edge or not", (id, place) => {
  expect(placeOf(id)).toEqual(place);
});

const QUERY = { state: "waiting", limit: 3 } as const;

test("pages of several relays become one, oldest first", () => {
  const a = { relay: "a", items: [item(1), item(4)], next: undefined };
  const b = { relay: "b", items: [item(2)], next: undefined };
  const page = merge([a, b], QUERY);
  expect(page.items.map(({ relay, seq }) => `${relay}${seq}`)).toEqual(["a1", "b2", "a4"]);
  expect(page.next).toBeUndefined();
});

test("what is behind the end of one relay's page waits for the next", () => {
  const a = { relay: "a", items: [item(1), item(2)], next: 2 };
  const b = { relay: "b", items: [item(5)], next: undefined };
  const page = merge([a, b], QUERY);
  expect(page.items.map(({ seq }) => seq)).toEqual([1, 2]);
  expect(page.next).toBe(2);
});

test("two with the same seq stay on one page, or the second would be lost", () => {
  const a = { relay: "a", items: [item(1), item(2), item(3)], next: 3 };
  const b = { relay: "b", items: [item(3), item(4)], next: undefined };
  const page = merge([a, b], QUERY);
  expect(page.items.map(({ relay, seq }) => `${relay}${seq}`)).toEqual(["a1", "a2", "a3", "b3"]);
  expect(page.next).toBe(3);
});

test("times filter by when the edge received it", () => {
  const a = { relay: "a", items: [item(1_000), item(2_000), item(3_000)], next: undefined };
  const page = merge([a], { ...QUERY, since: 2, until: 2 });
  expect(page.items.map(({ seq }) => seq)).toEqual([2_000]);
});

test("a relay is asked for what is wanted, and its answer is shown", async () => {
  const { edge, spools, relay } = await world(() => ({
    status: 200,
    body: { items: [item(5, { reason: "later" })], next: null },
  }));
  const page = await spools.list({ state: "waiting", route: "github", since: 1, limit: 7 });
  expect(edge.asked.map(({ path }) => path)).toContain(
    "/spool?state=waiting&limit=7&route=github&after=999",
  );
  expect(page.silent).toEqual([]);
  const [first] = (await spools.list(QUERY)).items.map(entryOf);
  expect(first).toMatchObject({
    id: `edge/${relay}/5`,
    state: "spooled",
    reason: "later",
    seq: null,
  });
});

test("a row that the relay cannot read any more is shown all the same", async () => {
  const unreadable = { seq: 1_700_000_000_000_000, reason: "cannot be read" };
  const { spools, relay } = await world((path) => ({
    status: 200,
    body: path.startsWith("/spool?") ? { items: [unreadable], next: null } : unreadable,
  }));
  const { items } = await spools.list({ state: "dead", limit: 1 });
  expect(items.map(entryOf)).toMatchObject([
    { state: "dead", route: "", receivedAt: 1_700_000_000_000, reason: "cannot be read" },
  ]);
  const details = detailsAtEdge(await spools.show({ relay, seq: unreadable.seq }));
  expect(details.timeline.at(-1)?.text).toContain("cannot be read");
});

test.each([
  ["an error", { status: 500 }],
  ["something else than a spool", { status: 200, body: { items: "none" } }],
])("a relay that answers %s is named, and does not hide the others", async (_name, answer) => {
  const { spools, relay } = await world(() => answer);
  expect(await spools.list(QUERY)).toEqual({ items: [], next: undefined, silent: [relay] });
});

test.each([
  [404, "not_found"],
  [409, "conflict"],
  [422, "bad_response"],
])("a refusal of %d is %s", async (status, code) => {
  const { spools, relay } = await world(() => ({ status, body: { detail: "no" } }));
  await expect(spools.replay(relay, { all: true })).rejects.toMatchObject({ code });
});

test("replay and drop say which, and tell how many", async () => {
  const bodies: string[] = [];
  const { spools, relay } = await world((path, body) => {
    bodies.push(`${path} ${body}`);
    return { status: 200, body: path.endsWith("drop") ? { dropped: 2 } : { replayed: 1 } };
  });
  expect(await spools.replay(relay, { seqs: [1] })).toBe(1);
  expect(await spools.drop(relay, { route: "github" })).toBe(2);
  expect(bodies.slice(-2)).toEqual([
    '/spool/replay {"seqs":[1]}',
    '/spool/drop {"route":"github"}',
  ]);
});

test("without an edge nothing waits there, and nothing can be changed", async () => {
  const spools = new Spools(() => undefined);
  expect(await spools.list(QUERY)).toEqual({ items: [], next: undefined, silent: [] });
  await expect(spools.show({ relay: "a", seq: 1 })).rejects.toMatchObject({ code: "not_found" });
});
