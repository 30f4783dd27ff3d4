/** What migrating comes to, piece by piece. */
import { GatewayError } from "../../shared/errors.ts";

/** What there is to be taken over, in the order in which that is done. */
export const PARTS = [
  "config",
  "variables",
  "keys",
  "workspace",
  "sessions",
  "cron",
  "devices",
] as const;
export type Part = (typeof PARTS)[number];

/**
 * `add`: it is brought over. `same`: it is here already. `kept`: there is another one of ours, which
 * stays. `left`: it cannot be brought over.
 */
export type Step =
  | {
      readonly verdict: "add";
      readonly part: Part;
      readonly name: string;
      /** What is in it, or what is to be known of it. Never a secret. */
      readonly note?: string | undefined;
      /** In one piece: all of it, or nothing. */
      readonly apply: () => Promise<void>;
    }
  | {
      readonly verdict: "same" | "kept" | "left";
      readonly part: Part;
      readonly name: string;
      readonly note?: string | undefined;
    };

/** The same, after it was or was not done. */
export interface Outcome {
  readonly part: Part;
  readonly name: string;
  readonly outcome: Step["verdict"] | "added" | "failed";
  readonly note: string | undefined;
}

export function planned({ part, name, verdict, note }: Step): Outcome {
  return { part, name, outcome: verdict, note };
}

/** Does a step. What goes wrong with one piece is its own affair: the others are still brought over. */
export async function applied(step: Step): Promise<Outcome> {
  if (step.verdict !== "add") return planned(step);
  const { part, name, note } = step;
  try {
    await step.apply();
    return { part, name, outcome: "added", note };
  } catch (error) {
    return { part, name, outcome: "failed", note: reasonOf(error) };
  }
}

/**
 * What is told of a failure: faults of the disk by their code.
 *
 * @throws `error` itself when it is a bug.
 */
export function reasonOf(error: unknown): string {
  if (error instanceof GatewayError) return error.message;
  if (error instanceof Error && "code" in error) return String(error.code);
  throw error;
}
