import type { ToolSpec } from "../models/model.ts";

/** Something an agent can do besides talk. */
export interface Tool {
  readonly spec: ToolSpec;

  /**
   * Runs once. `input` is the parsed JSON the model wrote, unchecked: parse it first.
   *
   * @returns Text for the model. A failure the model can act on is text too; only a bug throws.
   */
  run(input: unknown, signal: AbortSignal): Promise<string>;
}
