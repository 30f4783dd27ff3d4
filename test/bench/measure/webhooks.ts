import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { globSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { hmacText } from "../../support/webhook-senders/signing.ts";
import type { RequestsResult, Target } from "../load/task.ts";
import { interleave, median, pairedDifference, pairedRatio } from "../stats.ts";
import { atMost, type Findings, type Row } from "../table.ts";
import type { Core, World } from "../world.ts";

const MAX_P99_MS = 30;

const EdgeHealth = z.object({ core: z.object({ connected: z.boolean(), spooled: z.int() }) });

/** Genuine webhooks, from their first byte to the 2xx that promises a durable copy. */
export async function measureWebhooks(world: World): Promise<Findings> {
  const core = await world.core();
  const { edge } = core;
  if (edge === undefined) throw new Error("this core has no edge");
  const count = world.quick ? 50 : 300;
  const send = (target: Target) => () => world.requests(target, { connections: 1, count });
  const race = {
    hook: send(hook(edge.port, core)),
    hookDirect: send(hook(core.port, core)),
    signed: send(signed(edge.port, core)),
    signedDirect: send(signed(core.port, core)),
  };
  await interleave(1, race);
  const before = await digestOf(edge.storageDir);
  const found = await interleave(world.quick ? 2 : 5, race);
  const spooled = await spooledAt(edge.port, core.token);
  const changed = before === (await digestOf(edge.storageDir)) ? 0 : 1;
  return {
    rows: [
      ...rowsOf("webhook, express, bearer token", found.hook, found.hookDirect),
      ...rowsOf("webhook, express, GitHub's HMAC", found.signed, found.signedDirect),
      {
        what: "webhook, express: waiting in the relay's spool afterwards",
        measured: { value: spooled, unit: "" },
        budget: atMost(spooled, 0, "0"),
      },
      {
        what: "webhook, express: writes to the relay's storage (1: its files have changed)",
        measured: { value: changed, unit: "" },
        budget: atMost(changed, 0, "0 rows"),
      },
    ],
    notes: [
      `Webhooks: POST /hooks/agent with a bearer token and an Idempotency-Key each, and a route verified as GitHub signs with an X-GitHub-Delivery each, one after another; the 2xx comes once the core has committed it to SQLite. The core works them off meanwhile. Peer: the core's own port, which verifies the same.`,
    ],
  };
}

function rowsOf(
  what: string,
  ours: readonly RequestsResult[],
  theirs: readonly RequestsResult[],
): Row[] {
  const p50 = [ours, theirs].map((runs) => runs.map(({ p50Ms }) => p50Ms));
  const p99 = [ours, theirs].map((runs) => runs.map(({ p99Ms }) => p99Ms));
  const tail = beside(p99);
  const [mine = [], direct = []] = p99;
  const added = pairedDifference(mine, direct);
  return [
    { what: `${what}, to the 2xx: p50`, ...beside(p50) },
    {
      what: `${what}, to the 2xx: p99`,
      ...tail,
      budget: atMost(tail.measured.value, MAX_P99_MS, `${MAX_P99_MS} ms`),
    },
    {
      what: `${what}: added to the p99 by edge, relay and tunnel`,
      measured: { value: added, unit: "ms" },
      budget: atMost(added, MAX_P99_MS, `${MAX_P99_MS} ms`),
    },
  ];
}

function hook(port: number, { hooksToken }: Core): Target {
  return {
    port,
    method: "POST",
    path: "/hooks/agent",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${hooksToken}` },
    uniqueHeader: "Idempotency-Key",
    body: JSON.stringify({ message: "The build is green again.", name: "ci" }),
  };
}

function signed(port: number, { githubSecret }: Core): Target {
  const issue = { number: 42, title: "The build is red 🔴", body: "It was green. ".repeat(40) };
  const body = JSON.stringify({ action: "opened", issue, repository: { full_name: "octo/hello" } });
  return {
    port,
    method: "POST",
    path: "/hooks/repository",
    headers: {
      "Content-Type": "application/json",
      "X-GitHub-Event": "issues",
      "X-Hub-Signature-256": `sha256=${hmacText("sha256", githubSecret, [body], "hex")}`,
    },
    uniqueHeader: "X-GitHub-Delivery",
    body,
  };
}

/** What the relay itself says of it. */
async function spooledAt(port: number, token: string): Promise<number> {
  const headers = { Authorization: `Bearer ${token}` };
  const response = await fetch(`http://127.0.0.1:${port}/health`, { headers });
  return EdgeHealth.parse(await response.json()).core.spooled;
}

/** Of every file a Durable Object stores in: a row written is a byte changed. */
async function digestOf(folder: string): Promise<string> {
  const hash = createHash("sha256");
  for (const name of globSync("**/*.sqlite*", { cwd: folder }).toSorted()) {
    hash.update(`${name}\n`).update(await readFile(join(folder, name)));
  }
  return hash.digest("hex");
}

function beside([ours = [], theirs = []]: readonly number[][]) {
  return {
    measured: { value: median(ours), unit: "ms" },
    peer: { value: median(theirs), unit: "ms", name: "core's own port" },
    ratio: pairedRatio(ours, theirs),
  };
}
