import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { type CoreHome, type CoreProcess, createHome, startCore } from "../support/core.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { runProgram } from "../support/run-program.ts";

const PUBLISHED = "edge has our routes and tokens";

/** Two machines with one key and a state of its own each. */
let edge: RunningEdge;
let one: CoreHome;
let two: CoreHome;
let first: CoreProcess;
const others: CoreProcess[] = [];

beforeEach(async () => {
  const pairing = randomToken();
  edge = await startEdge({ bindings: { PAIRING_SECRET: pairing } });
  one = await createHome(edge, pairing);
  two = await createHome(edge, pairing, { gateway: { auth: { token: one.token } } });
  first = await startCore(one, edge);
  await copyFile(join(one.dir, "tunnel.json"), join(two.dir, "tunnel.json"));
});

afterEach(async () => {
  await Promise.all([first, ...others.splice(0)].map((core) => core.kill()));
  await Promise.all([one, two, edge].map((part) => part[Symbol.asyncDispose]()));
});

async function startOther(...args: string[]): Promise<CoreProcess> {
  const core = await startCore({ ...two, token: one.token }, edge, args);
  others.push(core);
  return core;
}

async function logged({ log }: CoreProcess, text: string): Promise<void> {
  while (!log.some((line) => line.includes(text))) await sleep(20);
}

function models(): Promise<Response> {
  return fetch(new URL("/v1/models", edge.url), {
    headers: { Authorization: `Bearer ${one.token}` },
  });
}

async function statusFor(token: string): Promise<number> {
  const headers = { Authorization: `Bearer ${token}` };
  return (await fetch(new URL("/v1/models", edge.url), { headers })).status;
}

/** As `sallyport tunnel status --json` prints it. */
async function tunnelOf({ dir, env }: CoreHome, { url }: CoreProcess): Promise<unknown> {
  const args = ["tunnel", "status", "--json", "--port", new URL(url).port];
  const { out } = await runProgram(args, { cwd: dir, env });
  return JSON.parse(out);
}

async function readyz({ url }: CoreProcess): Promise<number> {
  return (await fetch(`${url}/readyz`)).status;
}

test("a standby with a state of its own says so, and leads only once the leader is gone", async () => {
  const standby = await startOther("--standby");
  await logged(standby, "standing by with a state of its own");
  await logged(standby, "tunnel connected");
  expect((await models()).status).toBe(200);
  expect([await readyz(first), await readyz(standby)]).toEqual([200, 503]);
  await first.kill();
  // What the dead one was given before that was noticed is lost; the next caller is not.
  while ((await models()).status !== 200) await sleep(20);
  await logged(standby, "gateway listening");
  expect(await readyz(standby)).toBe(200);
  expect(await standby.stop()).toBe(0);
});

test("a second leader with a state of its own gets no work, and is told why", async () => {
  const second = await startOther();
  await logged(second, "another core leads, with a store of its own");
  expect((await models()).status).toBe(200);
  expect(first.log.join("\n")).not.toContain("another core leads");
});

test("a standby that has lost its work publishes again as soon as it has it back", async () => {
  // Two standbys with a state and a token of their own each: what one published shuts the other out.
  const other = await createHome(edge, "", { sallyport: { core: { mode: "standby" } } });
  await copyFile(join(one.dir, "tunnel.json"), join(other.dir, "tunnel.json"));
  const intruder = await startCore({ ...other, token: one.token }, edge, ["--standby"]);
  others.push(intruder);
  await first.stop();
  await logged(intruder, "gateway listening");
  expect(await statusFor(other.token)).toBe(200);
  expect((await models()).status).toBe(401);

  first = await startCore({ ...one, token: other.token }, edge, ["--standby"]);
  await logged(first, "relay does not send us its work");
  expect(await tunnelOf(one, first)).toMatchObject({
    relays: [{ connected: true, leads: false, lastError: "another core leads" }],
    waitsFor: "work",
  });
  expect((await models()).status).toBe(401);
  await intruder.stop();
  // Nobody has called meanwhile: it was told that it has the work.
  await logged(first, PUBLISHED);
  await logged(first, "gateway listening");
  // The Worker has just asked what it should let in, and asks again a second later.
  while ((await models()).status !== 200) await sleep(20);
  expect(await tunnelOf(one, first)).toMatchObject({ relays: [{ leads: true, lastError: null }] });
  await other[Symbol.asyncDispose]();
});

test("a standby that works hears at once that a leader with another state took its place", async () => {
  const standby = await startOther("--standby");
  await first.stop();
  await logged(standby, "gateway listening");
  const leader = await startCore(one, edge);
  others.push(leader);
  await logged(standby, "relay gave our work to another core");
  const status = await tunnelOf(two, standby);
  expect(status).toMatchObject({
    connected: true,
    relays: [{ leads: false, lastError: "another core has the work now" }],
  });
  await leader.stop();
  while (standby.log.filter((line) => line.includes(PUBLISHED)).length < 2) await sleep(20);
  expect((await models()).status).toBe(200);
});
