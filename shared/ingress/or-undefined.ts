import * as z from "zod/mini";

/** A part that need not be there, and counts as absent when it is not of this shape. */
export function orUndefined<T extends z.core.SomeType>(
  schema: T,
): z.ZodMiniCatch<z.ZodMiniOptional<T>> {
  // oxlint-disable-next-line promise/valid-params -- zod's catch, not a promise's
  return z.catch(z.optional(schema), undefined);
}
