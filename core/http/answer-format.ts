/** What an answer is to look like, in either of OpenAI's shapes. Pure. */
import * as z from "zod";
import type { AnswerFormat } from "../models/model.ts";
import { ToolName } from "./client-tools.ts";

const Schema = z.object({
  name: ToolName,
  schema: z.record(z.string(), z.unknown()),
  strict: z.boolean().nullish(),
});

const UNKNOWN = 'must be of type "text", "json_object" or "json_schema"';

/** `response_format` of a chat completion. */
export const ChatFormat = z.discriminatedUnion(
  "type",
  [
    z.object({ type: z.literal("text") }),
    z.object({ type: z.literal("json_object") }),
    z.object({ type: z.literal("json_schema"), json_schema: Schema }),
  ],
  { error: UNKNOWN },
);

/** `text.format` of a response. */
export const TextFormat = z.discriminatedUnion(
  "type",
  [
    z.object({ type: z.literal("text") }),
    z.object({ type: z.literal("json_object") }),
    z.object({ type: z.literal("json_schema"), ...Schema.shape }),
  ],
  { error: UNKNOWN },
);

type Given = z.output<typeof ChatFormat> | z.output<typeof TextFormat>;

/** Undefined: text, as ever. */
export function answerFormat(given: Given | null | undefined): AnswerFormat | undefined {
  if (given === null || given === undefined || given.type === "text") return undefined;
  if (given.type === "json_object") return { type: "json_object" };
  const { name, schema, strict } = "json_schema" in given ? given.json_schema : given;
  return { type: "json_schema", name, schema, strict: strict ?? false };
}
