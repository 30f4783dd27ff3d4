import { fileURLToPath } from "node:url";

/**
 * For the environment of programs of ours: the compile cache that all of a run share. Each has a
 * home of its own, and would compile the whole source again.
 */
export const WARM = {
  XDG_CACHE_HOME: fileURLToPath(new URL("../../.build/cache", import.meta.url)),
} as const;
