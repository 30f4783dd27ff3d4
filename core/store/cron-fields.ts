/** Fields that many parts of a job have. */
import * as z from "zod";

/** The last moment a date can name. */
const MAX_AT_MS = 8_640_000_000_000_000;

/** Unix ms. */
export const AT = { max: MAX_AT_MS, field: z.int().min(0).max(MAX_AT_MS) } as const;

/** A prompt: what is longer belongs in a file of the workspace. */
export const TEXT = z.string().min(1).max(32_768);
