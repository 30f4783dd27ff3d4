import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import * as z from "zod";
import { startFakeTelegram } from "../../test/support/fake-telegram.ts";
import { listening } from "../../test/support/http-upstream.ts";
import { openSqliteStore } from "../store/sqlite/open.ts";
import { until } from "../../test/support/until.ts";

const CHILD = fileURLToPath(new URL("../../test/support/webhook-child.ts", import.meta.url));
const AGENT = Array.from({ length: 18 }, (_, index) => String(index + 1));
const FORWARD = AGENT.map((id) => String(Number(id) + 100));
/** Every start of a process takes its time when the machine is busy. */
const SLOW = { timeout: 120_000 };
const Body = z.object({ n: z.string() });

/** A bot, a server, and cores that can be killed between the two, with a sender who never gives up. */
async function world() {
  await using parts = new AsyncDisposableStack();
  const stateDir = mkdtempSync(join(tmpdir(), "sallyport-crash-"));
  parts.defer(() => rmSync(stateDir, { recursive: true }));
  const telegram = parts.use(await startFakeTelegram());
  telegram.chats.add("1");
  const posted: { n: string; key: unknown }[] = [];
  const upstream = parts.use(
    await listening(
      createServer((request, response) => {
        const chunks: Buffer[] = [];
        request.on("data", (chunk: Buffer) => chunks.push(chunk));
        request.on("end", () => {
          const { n } = Body.parse(JSON.parse(String(Buffer.concat(chunks))));
          posted.push({ n, key: request.headers["idempotency-key"] });
          response.end();
        });
      }),
    ),
  );
  const rest = parts.move();
  /** What no core has said yet to have, and how often each was said to be new. */
  const unsaid = new Set([
    ...AGENT.map((id) => `agent ${id}`),
    ...FORWARD.map((id) => `forward ${id}`),
  ]);
  const committed = new Map<string, number>();
  let said = 0;
  const hear = (line: string): void => {
    const [route = "", id = "", result] = line.split(" ");
    const name = `${route} ${id}`;
    said += 1;
    unsaid.delete(name);
    if (result === '"committed"') committed.set(name, (committed.get(name) ?? 0) + 1);
  };
  return {
    stateDir,
    posted,
    unsaid,
    committed,
    /** Numbers in what the chat was told, in order. */
    told: () => telegram.sent.map(({ text }) => /"n":"(\d+)"/.exec(text)?.[1] ?? ""),
    /** All that a core has done so far and the world has seen. */
    events: () => said + posted.length + telegram.calls.length,
    /** A core that is sent what is unsaid, and killed once `holds`. */
    async run(holds: () => boolean): Promise<void> {
      const child = spawn(
        process.execPath,
        [CHILD, stateDir, telegram.apiRoot, upstream.url.href],
        { stdio: ["pipe", "pipe", "inherit"] },
      );
      const exited = once(child, "exit");
      // Killed while it reads: what is written then has nowhere to go.
      child.stdin.on("error", () => undefined);
      createInterface({ input: child.stdout }).on("line", hear);
      for (const name of unsaid) {
        const [route, id] = name.split(" ");
        child.stdin.write(`${JSON.stringify({ route, id })}\n`);
      }
      await until(holds, { everyMs: 1, patienceMs: 60_000 });
      child.kill("SIGKILL");
      await exited;
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

test(
  "whenever it is killed, what it has taken is worked off, and no reply comes twice",
  SLOW,
  async () => {
    const w = await world();
    onTestFinished(() => w[Symbol.asyncDispose]());
    for (const more of [1, 2, 3, 5, 8, 4, 13, 7]) {
      const before = w.events();
      await w.run(() => w.events() >= before + more);
    }
    // Opening finds the replies of which nobody knows whether they arrived.
    const lost = await lostIn(w.stateDir);
    await w.run(
      () =>
        w.unsaid.size === 0 &&
        new Set([...w.told(), ...lost]).size === AGENT.length &&
        new Set(w.posted.map(({ n }) => n)).size === FORWARD.length,
    );
    const told = w.told();
    expect(new Set(told).size).toBe(told.length);
    expect([...w.committed.values()].filter((times) => times > 1)).toEqual([]);
    // A server may get one twice, never under two names.
    expect(w.posted.filter(({ n, key }) => key !== `posts:${n}`)).toEqual([]);
    await using store = await openSqliteStore({ stateDir: w.stateDir, now: Date.now });
    const rows = await store.webhooks({ limit: 1_000 });
    expect(rows).toHaveLength(AGENT.length + FORWARD.length);
    expect(rows.filter(({ state }) => state === "dead" || state === "filtered")).toEqual([]);
  },
);

async function lostIn(stateDir: string): Promise<string[]> {
  await using store = await openSqliteStore({ stateDir, now: Date.now });
  const lost: string[] = [];
  for (const { id } of await store.webhooks({ limit: 1_000 })) {
    const detail = await store.webhook(id);
    if (detail?.replies.some(({ state }) => state === "lost")) lost.push(id.split(":")[1] ?? "");
  }
  return lost;
}
