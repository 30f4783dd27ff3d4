import { openSqliteStore } from "../../../core/store/sqlite/open.ts";
import type { Store } from "../../../core/store/store.ts";
import { item, piece } from "./world.ts";

/**
 * A gateway's worth of work without an end, for a test to kill. Says on stdout what has been
 * promised, one line each, and only once the promise was given.
 */
const OPEN = {
  sqlite: (dir: string) => openSqliteStore({ stateDir: dir, now: Date.now }),
} as const;

const LANES = 5;
const USAGE = { inputTokens: 1, outputTokens: 1 };
const CALL = {
  durationMs: 1,
  model: "acme/x",
  ok: true,
  usage: USAGE,
  cost: undefined,
  tools: [],
};

async function work(store: Store, round: number): Promise<void> {
  const ids = Array.from({ length: 8 }, (_, index) => `${process.pid}-${round}-${index}`);
  await Promise.all(
    ids.map(async (id, index) => {
      await store.keep([item(id, `lane-${index % LANES}`)]);
      process.stdout.write(`kept ${id}\n`);
    }),
  );
  const taken = await store.take(LANES, Date.now());
  await Promise.all(
    taken.map(async ({ id, lane }) => {
      await store.finish(id, [piece(`${id}/0`, lane)], {
        sessionKey: lane,
        messages: [{ role: "user", text: id }],
        usage: USAGE,
        calls: [{ ...CALL, at: Date.now() }],
        at: Date.now(),
      });
      process.stdout.write(`finished ${id}\n`);
    }),
  );
}

const [adapter, dir] = process.argv.slice(2);
if (adapter !== "sqlite" || dir === undefined)
  throw new Error("usage: child.ts <adapter> <folder>");
const store = await OPEN[adapter](dir);
process.stdout.write(`leased ${store.lease.store} ${store.lease.epoch}\n`);
for (let round = 0; ; round += 1) await work(store, round);
