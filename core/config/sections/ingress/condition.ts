/** What must be true of a webhook for it to be taken up. */
import * as z from "zod";
import { HeaderName, oneOrMany } from "../../fields.ts";

/** Of one route; more is a program, and belongs into one. */
const MAX_CONDITIONS = 32;
/** Values one condition may list. */
const MAX_VALUES = 256;

/** Names and indexes from the top of the JSON body: `a.b`, `$.a.b[0]["c d"]`. */
const BODY_PATH =
  /^(?:\$|(?:\$\.)?[A-Za-z_][\w-]*)(?:\.[A-Za-z_][\w-]*|\[\d{1,6}\]|\["[^"\\]{1,128}"\])*$/;

const Scalar = z.union([z.string().max(1_024), z.number(), z.boolean(), z.null()], {
  error: "must be text, a number, true, false or null",
});

const Pattern = z
  .string()
  .min(1)
  .max(256)
  .transform((text, context) => {
    try {
      return new RegExp(text, "u");
    } catch {
      context.addIssue({ code: "custom", message: "is no regular expression" });
      return z.NEVER;
    }
  });

const Condition = z
  .strictObject({
    path: z
      .string()
      .max(256)
      .regex(BODY_PATH, 'must be a path like "a.b" or "$.items[0].name"')
      .optional(),
    header: HeaderName.optional(),
    equals: Scalar.optional(),
    oneOf: z.array(Scalar).min(1).max(MAX_VALUES).optional(),
    /** A regular expression; it may match any part of the text. */
    matches: Pattern.optional(),
    exists: z.boolean().optional(),
    not: z.boolean().default(false),
  })
  .superRefine(({ path, header, equals, oneOf, matches, exists }, context) => {
    if ((path === undefined) === (header === undefined)) {
      context.addIssue({ code: "custom", message: "needs path or header, and not both" });
    }
    if ([equals, oneOf, matches, exists].every((test) => test === undefined)) {
      context.addIssue({ code: "custom", message: "needs equals, oneOf, matches or exists" });
    }
  });
export type Condition = z.output<typeof Condition>;

/** All of them must hold. */
export const Conditions = oneOrMany(Condition, MAX_CONDITIONS);
