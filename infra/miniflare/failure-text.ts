import { oneLine } from "../terminal/one-line.ts";
import type { EdgeFailure } from "./messages.ts";

/**
 * One line that says what to do. Pure.
 *
 * @param lastWords - What was heard of the edge, for an end without a reason.
 */
export function edgeFailureText(
  failure: EdgeFailure | undefined,
  stateDir: string,
  lastWords: string,
): string {
  switch (failure?.reason) {
    case "port_in_use":
      return `port ${failure.detail} cannot be used for the edge, another program has it: stop that program, or set SALLYPORT_EDGE_PORT to another port (0 means any free one)`;
    case "storage_in_use":
      return `another gateway runs on the state directory ${stateDir}: stop it, or set OPENCLAW_STATE_DIR to another one`;
    case "bundle_failed":
      return `the edge does not compile: ${oneLine(failure.detail)}`;
    case "runtime_failed":
      return `the local edge did not start: ${oneLine(failure.detail)}`;
    default:
      return `the local edge ended before it was ready: ${lastWords}`;
  }
}
