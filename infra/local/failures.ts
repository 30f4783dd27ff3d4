import type { EdgeFailure } from "./edge-messages.ts";

/** Longest text of another program in a line of ours. */
const MAX_DETAIL_CHARS = 300;

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

/** The first line with something in it, cut to what a person reads. */
export function oneLine(text: string): string {
  const line = text.split("\n").find((part) => part.trim() !== "") ?? "";
  return line.trim().slice(0, MAX_DETAIL_CHARS);
}
