/**
 * `npm run bench`: measures everything the design has a budget for, each in turns with a peer, and
 * prints one table. `--quick` for a look, `--only NAME` (more than once) for a part.
 *
 * A missed budget is a finding, not a failure: exit 1 only when something could not be measured.
 */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeMachine } from "./machine.ts";
import { measureBulk } from "./measure/bulk.ts";
import { measureCli } from "./measure/cli.ts";
import { measureCron } from "./measure/cron.ts";
import { measureEvents } from "./measure/events.ts";
import { measureFairness } from "./measure/fairness.ts";
import { measurePath } from "./measure/path.ts";
import { measureRecovery } from "./measure/recovery.ts";
import { measureRestart } from "./measure/restart.ts";
import { measureRpc } from "./measure/rpc.ts";
import { measureSizes } from "./measure/sizes.ts";
import { measureSockets } from "./measure/sockets.ts";
import { measureStart } from "./measure/start.ts";
import { measureTurns } from "./measure/turns.ts";
import { measureSpool } from "./measure/spool.ts";
import { measureWebhooks } from "./measure/webhooks.ts";
import { errorText } from "./processes/error-text.ts";
import { type Findings, markdown, plainTable, type Row } from "./table.ts";
import { World } from "./world.ts";

const RESULTS = fileURLToPath(new URL("./results.md", import.meta.url));

/** In the order of the table. Turns before what else uses the core: its memory is read fresh. */
const MEASUREMENTS: Readonly<Record<string, (world: World) => Promise<Findings>>> = {
  start: measureStart,
  turns: measureTurns,
  rpc: measureRpc,
  cron: measureCron,
  restart: measureRestart,
  path: measurePath,
  events: measureEvents,
  bulk: measureBulk,
  sockets: measureSockets,
  fairness: measureFairness,
  recovery: measureRecovery,
  webhooks: measureWebhooks,
  spool: measureSpool,
  sizes: measureSizes,
  cli: measureCli,
};

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
  },
});
const unknown = values.only.filter((name) => !Object.hasOwn(MEASUREMENTS, name));
if (unknown.length > 0) {
  console.error(`--only takes ${Object.keys(MEASUREMENTS).join(", ")}; not ${unknown.join(", ")}`);
  process.exit(2);
}
const chosen = Object.entries(MEASUREMENTS).filter(
  ([name]) => values.only.length === 0 || values.only.includes(name),
);

const rows: Row[] = [];
const notes: string[] = [];
{
  await using world = await World.create(values.quick);
  for (const [name, measure] of chosen) {
    console.error(`measuring ${name} …`);
    try {
      const found = await measure(world);
      rows.push(...found.rows);
      notes.push(...(found.notes ?? []));
    } catch (error) {
      process.exitCode = 1;
      rows.push({ what: name, skipped: `FAILED: ${errorText(error)}` });
    }
  }
}
console.log(`\n${plainTable(rows)}\n\n${notes.join("\n")}`);
// A part of it, or a quick look, is not what is kept.
if (!values.quick && values.only.length === 0) {
  const date = new Date().toISOString();
  const machine = await describeMachine();
  await writeFile(RESULTS, markdown({ date, machine, mode: "full run", rows, notes }));
  console.error(`written to ${RESULTS}`);
}
// What the bench has started is gone; a pool of connections need not be waited for.
process.exit();
