import { cp, mkdtemp, rm, stat } from "node:fs/promises";
import { globSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as z from "zod";
import { becomes } from "../../support/invariants.ts";
import { hmacText } from "../../support/webhook-senders/signing.ts";
import type { RequestsResult, Target } from "../load/task.ts";
import { ID_HEADER, type RouteName } from "../peers/webhook-orders.ts";
import { cpuMsOf } from "../processes/memory.ts";
import { interleave, median, pairedRatio } from "../stats.ts";
import { atLeast, atMost, type Findings, type Row } from "../table.ts";
import type { Edge, WebhookEnd, World } from "../world.ts";

const CONNECTIONS = 16;
const BODY = JSON.stringify({
  event: "build",
  text: "The build is green again 🟢",
  size: 512,
}).padEnd(512);
/** An hour of fifty a second, worked off in ten minutes beside those that come meanwhile. */
const MIN_DRAIN_PER_SECOND = 350;
const HOUR_OF_WEBHOOKS = 180_000;
const EMPTY_MS = 60_000;

const EdgeHealth = z.object({ core: z.object({ spooled: z.int() }) });

/** What edge and relay do with webhooks: through them, into the spool, out of it, and away with bad ones. */
export async function measureSpool(world: World): Promise<Findings> {
  const end = await world.startWebhookEnd();
  const floor = await world.floor();
  const forMs = world.quick ? 1_000 : 4_000;
  const run = (target: Target): (() => Promise<RequestsResult>) => {
    return () => world.requests(target, { connections: CONNECTIONS, forMs });
  };
  const race = {
    floor: run({ port: floor.port, method: "POST", path: "/tiny", body: BODY }),
    insert: run({ port: floor.port, method: "POST", path: "/insert", body: BODY }),
    express: run(webhook(end, "express")),
    durable: run(webhook(end, "durable")),
  };
  await interleave(1, race);
  const found = await interleave(world.quick ? 1 : 3, race);
  const rates = (name: keyof typeof race): number[] => found[name].map(rateOf);
  const tails = (name: keyof typeof race): number[] => found[name].map(({ p99Ms }) => p99Ms);
  const outage = await measureOutage(world, end);
  const refusals = await measureRefusals(world, end, floor.port);
  return {
    rows: [
      versus("webhooks, express, 16 connections", rates("express"), rates("floor"), "floor"),
      versus("webhooks, durable, 16 connections", rates("durable"), rates("insert"), "bare insert"),
      {
        what: "the same: p99",
        measured: { value: median(tails("durable")), unit: "ms" },
        peer: { value: median(tails("insert")), unit: "ms", name: "bare insert" },
        ratio: pairedRatio(tails("durable"), tails("insert")),
      },
      ...outage(rates("insert")),
      ...refusals,
    ],
    notes: [
      `Spool: webhooks of ${BODY.length} bytes with an HMAC each; the core behind the tunnel only remembers ids. Bare insert: a Durable Object that writes the body down and answers, in the same runtime.`,
    ],
  };
}

function webhook({ edge, secret }: WebhookEnd, route: RouteName): Target {
  return {
    port: edge.port,
    method: "POST",
    path: `/hooks/${route}`,
    headers: {
      "Content-Type": "application/json",
      "X-Hub-Signature-256": `sha256=${hmacText("sha256", secret, [BODY], "hex")}`,
    },
    uniqueHeader: ID_HEADER,
    body: BODY,
  };
}

/** The core leaves, webhooks come, it returns. @returns The rows, once the rate of the peer is known. */
async function measureOutage(
  world: World,
  end: WebhookEnd,
): Promise<(insertRates: readonly number[]) => Row[]> {
  const count = world.quick ? 1_000 : 10_000;
  const rounds = world.quick ? 1 : 3;
  const spool: number[] = [];
  const drain: number[] = [];
  let left = 0;
  let rows = 0;
  for (let round = 0; round < rounds; round += 1) {
    await emptied(end);
    const before = round === 0 ? await rowsIn(world.folder, end.edge) : 0;
    const { committed } = await end.tell({ kind: "leave" });
    spool.push(
      rateOf(await world.requests(webhook(end, "lanes"), { connections: CONNECTIONS, count })),
    );
    if (round === 0) rows = ((await rowsIn(world.folder, end.edge)) - before) / count;
    const startedAt = performance.now();
    await end.tell({ kind: "return" });
    const after = await end.tell({ kind: "drain", until: committed + count });
    drain.push(count / ((performance.now() - startedAt) / 1_000));
    left += committed + count - after.committed;
  }
  const rate = median(drain);
  return (inserts) => [
    versus(
      "core away: webhooks into the spool",
      spool,
      spool.map(() => median(inserts)),
      "bare insert",
    ),
    {
      what: "core away: rows in the relay's tables for each",
      measured: { value: rows, unit: "" },
      budget: atMost(rows, 1.01, "1"),
    },
    {
      what: "core back: webhooks out of the spool, from its dialling on",
      measured: { value: rate, unit: "/s" },
      budget: atLeast(rate, MIN_DRAIN_PER_SECOND, `${MIN_DRAIN_PER_SECOND} /s`),
    },
    {
      what: "the same: an hour of 50 /s takes",
      measured: { value: HOUR_OF_WEBHOOKS / rate / 60, unit: "min" },
    },
    {
      what: "the same: missing",
      measured: { value: left, unit: "" },
      budget: atMost(left, 0, "0"),
    },
  ];
}

async function measureRefusals(world: World, end: WebhookEnd, floorPort: number): Promise<Row[]> {
  const good = webhook(end, "express");
  const signature = `sha256=${hmacText("sha256", "a guess", [BODY], "hex")}`;
  const bad: Target = {
    ...good,
    headers: { ...good.headers, "X-Hub-Signature-256": signature },
    status: 401,
  };
  const options = { connections: CONNECTIONS, forMs: world.quick ? 1_000 : 4_000 };
  const race = {
    bad: () => world.requests(bad, options),
    floor: () =>
      world.requests({ port: floorPort, method: "POST", path: "/tiny", body: BODY }, options),
  };
  await emptied(end);
  const before = await end.tell({ kind: "count" });
  const idleMs = await cpuMsOf(end.pid);
  const found = await interleave(world.quick ? 1 : 3, race);
  const spentMs = (await cpuMsOf(end.pid)) - idleMs;
  const after = await end.tell({ kind: "count" });
  const seconds = [...found.bad, ...found.floor].reduce((sum, one) => sum + one.seconds, 0);
  const reached = after.committed - before.committed + (after.duplicates - before.duplicates);
  return [
    versus(
      "bad signatures refused, 16 connections",
      found.bad.map(rateOf),
      found.floor.map(rateOf),
      "floor",
    ),
    {
      what: "bad signatures: webhooks the core has heard of",
      measured: { value: reached, unit: "" },
      budget: atMost(reached, 0, "0"),
    },
    {
      what: "bad signatures: processor time of the core meanwhile",
      measured: { value: spentMs / seconds, unit: "ms/s" },
    },
    {
      what: "bad signatures: bytes to the core meanwhile",
      measured: { value: after.bytesIn - before.bytesIn, unit: "B" },
    },
  ];
}

function rateOf({ count, seconds }: RequestsResult): number {
  return count / seconds;
}

function versus(
  what: string,
  ours: readonly number[],
  theirs: readonly number[],
  name: string,
): Row {
  return {
    what,
    measured: { value: median(ours), unit: "/s" },
    peer: { value: median(theirs), unit: "/s", name },
    ratio: pairedRatio(ours, theirs),
  };
}

/** What was kept first, by choice or in need, is with the core. */
async function emptied({ edge, token }: WebhookEnd): Promise<void> {
  const isEmpty = await becomes(async () => {
    const headers = { Authorization: `Bearer ${token}` };
    const response = await fetch(`http://127.0.0.1:${edge.port}/health`, { headers });
    return EdgeHealth.parse(await response.json()).core.spooled === 0;
  }, EMPTY_MS);
  if (!isEmpty) throw new Error("the relay keeps webhooks that its core could have");
}

/** Of all tables the relay keeps webhooks in. Read from a copy: the runtime has the files open. */
async function rowsIn(folder: string, { storageDir }: Edge): Promise<number> {
  const copy = await mkdtemp(join(folder, "copy-"));
  await cp(storageDir, copy, { recursive: true });
  let rows = 0;
  for (const name of globSync("**/*.sqlite", { cwd: copy })) {
    const path = join(copy, name);
    if ((await stat(path)).size > 0) rows += rowsOf(path);
  }
  await rm(copy, { recursive: true });
  return rows;
}

function rowsOf(path: string): number {
  const db = new DatabaseSync(path);
  try {
    const tables = z
      .array(z.object({ name: z.string() }))
      .parse(db.prepare("SELECT name FROM sqlite_master WHERE name GLOB '[qc]_[0-9]*'").all());
    return tables.reduce((sum, { name }) => {
      const found = db.prepare(`SELECT count(*) AS rows FROM ${name}`).get();
      return sum + z.object({ rows: z.number() }).parse(found).rows;
    }, 0);
  } finally {
    db.close();
  }
}
