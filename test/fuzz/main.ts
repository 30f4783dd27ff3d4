/**
 * Fuzzes the tunnel: `node test/fuzz/main.ts --cases 10000000 --seconds 600 --seed 1`.
 * A failure prints its seed and case; `--seed N --case K` runs that one alone again.
 */
import { parseArgs } from "node:util";
import { fuzz, runCase } from "./run.ts";

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "10000000" },
    seconds: { type: "string", default: "600" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    case: { type: "string" },
  },
});
const seed = Number(values.seed);

if (values.case === undefined) {
  const started = Date.now();
  let told = started;
  const report = (cases: number): boolean => {
    const now = Date.now();
    if (now - told >= 5_000) {
      told = now;
      const seconds = Math.round((now - started) / 1_000);
      process.stdout.write(`seed ${seed}: ${cases} cases in ${seconds} s\n`);
    }
    return now - started < Number(values.seconds) * 1_000;
  };
  const done = fuzz(seed, Number(values.cases), report);
  process.stdout.write(`seed ${seed}: ${done} cases, no failure\n`);
} else {
  runCase(seed, Number(values.case));
  process.stdout.write(`seed ${seed}, case ${values.case}: no failure\n`);
}
