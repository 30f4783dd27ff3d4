/**
 * A gateway that takes in webhooks without an end, some of them long, for a test to kill. Says on
 * stdout what has been promised, one line each, and only once the promise was given.
 */
import { openSqliteStore } from "../../../core/store/sqlite/open.ts";
import { bodyOf, childWebhook, childWork } from "./webhook-made.ts";

const [adapter, dir] = process.argv.slice(2);
if (adapter !== "sqlite" || dir === undefined) {
  throw new Error("usage: webhook-child.ts <adapter> <folder>");
}
const store = await openSqliteStore({ stateDir: dir, now: Date.now });
for (let round = 0; ; round += 1) {
  await Promise.all(
    [0, 1, 2].map(async (index) => {
      const id = `${process.pid}-${round}-${index}`;
      await store.keepWebhook(childWebhook(id, bodyOf(id)), childWork(id));
      process.stdout.write(`kept ${id}\n`);
    }),
  );
  for (const { id } of await store.take(4, Date.now())) {
    await store.finish(id, []);
    process.stdout.write(`finished ${id}\n`);
  }
}
