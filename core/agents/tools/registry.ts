import type { SharedTool } from "../tool.ts";
import { createCurrentTime } from "./current-time.ts";

/**
 * The tools every agent has, whatever else there is.
 *
 * @param now - Unix time, milliseconds.
 */
export function createTools(now: () => number): readonly SharedTool[] {
  return [createCurrentTime(now)];
}
