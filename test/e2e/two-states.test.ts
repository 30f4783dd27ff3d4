import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { type CoreHome, type CoreProcess, createHome, startCore } from "../support/core.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";

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
