import { GatewayError } from "../../shared/errors.ts";
import { configErrorText } from "../config/issues/error.ts";
import { UnfitSettings } from "../gateway/lifecycle/unfit-settings.ts";
import { ConfigFault, EXIT_CONFIG } from "./command.ts";

export interface Explanation {
  /** For stderr. */
  readonly line: string;
  readonly exitCode: number;
}

/**
 * Faults that no restart mends: a newer gateway wrote the state, it is not ours. One whose state
 * another gateway has may start as soon as that one ends.
 */
const FOR_GOOD: ReadonlySet<string> = new Set([
  "version_unsupported",
  "forbidden",
  "model_not_found",
  "model_unauthorized",
]);

/**
 * What a person is told when a command fails, and what the shell.
 *
 * @throws `error` itself when it is none of ours: a bug belongs on the screen with its stack.
 */
export function explain(error: unknown): Explanation {
  if (error instanceof ConfigFault) {
    // Whoever keeps the secret may be back in a moment.
    const exitCode = error.fault.reason === "secret" ? 1 : EXIT_CONFIG;
    return { line: `sallyport: ${configErrorText(error.fault)}`, exitCode };
  }
  if (!(error instanceof GatewayError)) throw error;
  const isForGood = error instanceof UnfitSettings || FOR_GOOD.has(error.code);
  const exitCode = isForGood ? EXIT_CONFIG : 1;
  return { line: `sallyport: ${error.message}`, exitCode };
}
