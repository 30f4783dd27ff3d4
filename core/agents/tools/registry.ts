import type { Tool } from "../tool.ts";
import { createCurrentTime } from "./current-time.ts";

/**
 * The tools every agent has.
 *
 * @param now - Unix time, milliseconds.
 */
export function createTools(now: () => number): readonly Tool[] {
  return [createCurrentTime(now)];
}
