/**
 * `npm run soak`: the failures that take long to meet, for as long as they are given. Exit 1 when
 * an invariant did not hold. `--seconds N` for all together, `--only NAME`, `--seed N`.
 */
import { parseArgs } from "node:util";
import { killCores } from "./core-kills.ts";
import { floodEdge } from "./flood.ts";
import { forgeWebhooks } from "./forgeries.ts";
import { outlastOutage } from "./outage.ts";
import { breakPaths } from "./path-faults.ts";
import { reattachClients } from "./reattach.ts";
import { resetPaths } from "./resets.ts";
import { rollCores } from "./rolling.ts";
import { killRuntimes } from "./runtime-kills.ts";
import type { Outcome, Scenario } from "./scenario.ts";

const SCENARIOS: readonly Scenario[] = [
  { name: "core-kills", run: killCores },
  { name: "runtime-kills", run: killRuntimes },
  { name: "path-faults", run: breakPaths },
  { name: "resets", run: resetPaths },
  { name: "flood", run: floodEdge },
  { name: "forgeries", run: forgeWebhooks },
  { name: "outage", run: outlastOutage },
  { name: "rolling", run: rollCores },
  { name: "reattach", run: reattachClients },
];

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "300" },
    seed: { type: "string", default: "1" },
    only: { type: "string", multiple: true, default: [] },
  },
});
const chosen = SCENARIOS.filter(
  ({ name }) => values.only.length === 0 || values.only.includes(name),
);
const seconds = Number(values.seconds) / Math.max(1, chosen.length);
const seed = Number(values.seed);
if (chosen.length === 0 || !(seconds > 0) || !Number.isInteger(seed)) {
  const names = SCENARIOS.map(({ name }) => name).join(", ");
  process.stderr.write(`soak [--seconds N] [--seed N] [--only ${names}]\n`);
  process.exit(2);
}

for (const { name, run } of chosen) {
  process.stderr.write(`${name}: ${Math.round(seconds)} s, seed ${seed} …\n`);
  const outcome = await run({ seconds, seed }).catch((error: unknown): Outcome => ({
    counts: {},
    violations: [error instanceof Error ? (error.stack ?? error.message) : String(error)],
  }));
  process.stdout.write(`${tell(name, outcome)}\n`);
  if (outcome.violations.length > 0) process.exitCode = 1;
}
// What was started is gone; a pool of connections need not be waited for.
process.exit();

function tell(name: string, { counts, violations }: Outcome): string {
  const done = Object.entries(counts).map(([what, count]) => `${what} ${count}`);
  const state = violations.length === 0 ? "held" : "BROKEN";
  return [
    `${state.padEnd(7)} ${name.padEnd(16)} ${done.join(", ")}`,
    ...violations.map(indent),
  ].join("\n");
}

function indent(text: string): string {
  return `        ${text}`;
}
