import * as z from "zod";

/** The input schema as the providers want it; `$schema` is left out, some refuse keys they do not know. */
export function parametersOf(schema: z.ZodType): Readonly<Record<string, unknown>> {
  const { $schema: _, ...parameters } = z.toJSONSchema(schema, { io: "input" });
  return parameters;
}
