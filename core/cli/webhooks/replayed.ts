/** What was run again, told to people. Pure. */
import type { Replayed } from "../../webhooks/methods/answers.ts";
import { printable } from "../printable.ts";

export const NOTHING: Replayed = { dryRun: false, replayed: [], skipped: [], next: null };

const MAX_ID = 300;

/** Both, as if they had been one answer. */
export function addReplayed(sum: Replayed, part: Replayed): Replayed {
  return {
    dryRun: part.dryRun,
    replayed: [...sum.replayed, ...part.replayed],
    skipped: [...sum.skipped, ...part.skipped],
    next: part.next,
  };
}

export function replayedText({ dryRun, replayed, skipped }: Replayed): string[] {
  const verb = dryRun ? "would run" : "runs";
  const total = replayed.reduce((sum, { count }) => sum + count, 0);
  return [
    ...replayed.map(({ id, as, runs }) => {
      const name = as === null || as === id ? "" : ` as ${printable(as, MAX_ID)}`;
      return `${printable(id, MAX_ID)}: ${verb}${name}: ${printable(runs, MAX_ID)}`;
    }),
    ...skipped.map(
      ({ id, why }) => `${printable(id, MAX_ID)}: left out: ${printable(why, MAX_ID)}`,
    ),
    `${total} ${dryRun ? "would run" : "run again"}`,
  ];
}
