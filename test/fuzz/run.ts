import { mixSeed, Random } from "../support/random.ts";
import { runParserCase } from "./parser.ts";
import { runSessionCase } from "./session.ts";

/** A conversation of two sessions takes as long as some hundred hostile messages. */
const SESSION_EVERY = 250;
const REPORT_EVERY = 50;

/** One case, the same every time. @throws Whatever it finds. */
export function runCase(seed: number, number: number): void {
  const random = new Random(mixSeed(seed, number));
  if (number % SESSION_EVERY === 0) runSessionCase(random);
  else runParserCase(random);
}

/**
 * Runs cases 0 to `cases` - 1.
 *
 * @param goOn - Asked now and then, with the count so far; false ends it.
 * @returns How many were run.
 * @throws Error that names the seed and the case, with what went wrong as its cause.
 */
export function fuzz(
  seed: number,
  cases: number,
  goOn: (done: number) => boolean = () => true,
): number {
  let number = 0;
  for (; number < cases; number += 1) {
    if (number % REPORT_EVERY === 0 && !goOn(number)) return number;
    try {
      runCase(seed, number);
    } catch (cause) {
      const what = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`--seed ${seed} --case ${number}: ${what}`, { cause });
    }
  }
  return number;
}
