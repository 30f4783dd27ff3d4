import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import { MethodError } from "../method.ts";

/** UTF-16 units of one answer of a tool: about 12 k tokens. */
const MAX_UNITS = 48_000;

/** What a model is told of `facts`. */
export function shown(facts: unknown): string {
  const text = JSON.stringify(facts);
  return text.length <= MAX_UNITS ? text : `${text.slice(0, MAX_UNITS)}… [cut: ask for less]`;
}

/** What a method refuses is something the model can act on; a bug is none. */
export async function explained(work: () => Promise<string>): Promise<string> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof z.ZodError) return `Bad input: ${z.prettifyError(error)}`;
    if (error instanceof MethodError) return `Refused: ${error.message}`;
    if (error instanceof GatewayError && error.code !== "internal" && error.code !== "canceled") {
      return `Refused: ${error.message}`;
    }
    throw error;
  }
}
