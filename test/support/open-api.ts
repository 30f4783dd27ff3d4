import * as z from "zod";

const Content = z.record(
  z.string(),
  z.object({ schema: z.unknown(), example: z.unknown().optional() }),
);

const Operation = z.object({
  operationId: z.string(),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  parameters: z.array(z.object({ name: z.string(), in: z.string() })).default([]),
  requestBody: z.object({ content: Content }).optional(),
  responses: z.record(
    z.string(),
    z.object({ description: z.string(), content: Content.optional() }),
  ),
});

const Document = z.object({
  openapi: z.literal("3.1.0"),
  paths: z.record(z.string(), z.record(z.string(), Operation)),
  components: z.object({ schemas: z.record(z.string(), z.unknown()) }),
});

export interface DescribedOperation {
  readonly method: string;
  readonly path: string;
  readonly id: string;
  /** Whether it is never answered without a credential. */
  readonly needsToken: boolean;
  readonly example: unknown;
  /** Schema of the request's body; undefined: it has none. */
  readonly body: z.ZodType | undefined;
  /** By status: the schema of its JSON; undefined where it has none. */
  readonly answers: ReadonlyMap<number, z.ZodType | undefined>;
}

/** What an OpenAPI document says, ready to be compared with what a server does. */
export function readOpenApi(json: unknown): readonly DescribedOperation[] {
  const { paths, components } = Document.parse(json);
  const defs = renamed(components.schemas);
  const toZod = (schema: unknown): z.ZodType =>
    z.fromJSONSchema({ ...z.record(z.string(), z.unknown()).parse(renamed(schema)), $defs: defs });
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]): DescribedOperation[] => {
      const body = operation.requestBody?.content["application/json"];
      return [
        {
          method: method.toUpperCase(),
          path,
          id: operation.operationId,
          needsToken: !operation.security.some((one) => Object.keys(one).length === 0),
          example: body?.example,
          body: body && toZod(body.schema),
          answers: new Map(
            Object.entries(operation.responses).map(([status, { content = {} }]) => {
              const found = content["application/json"] ?? content["application/problem+json"];
              return [Number(status), found && toZod(found.schema)];
            }),
          ),
        },
      ];
    }),
  );
}

/** zod reads `$defs`, OpenAPI has them elsewhere. */
function renamed(schema: unknown): Record<string, z.core.JSONSchema.JSONSchema> {
  const text = JSON.stringify(schema).replaceAll("#/components/schemas/", "#/$defs/");
  return z.record(z.string(), z.any()).parse(JSON.parse(text));
}
