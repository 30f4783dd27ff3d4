/**
 * A request to the Responses API, read into our words. Pure.
 *
 * Open objects, as for chat completions: hints that an agent has no use for are ignored, what would
 * change the meaning of the answer is refused.
 * Source: https://platform.openai.com/docs/api-reference/responses/create
 */
import * as z from "zod";
import { answerFormat, TextFormat } from "../answer-format.ts";
import {
  type ClientTools,
  clientTools,
  ResponseToolChoice,
  ResponseTools,
} from "../client-tools.ts";
import type { AnswerFormat } from "../../models/model.ts";
import { Effort } from "../effort.ts";
import { UserName } from "../openai.ts";
import { parseBody, refusal } from "../refusal.ts";
import { Item } from "./items.ts";

/** Items of one request: more than a conversation of a day has. */
const MAX_ITEMS = 2_000;

const NOT_KEPT = "is not supported here: go on with `previous_response_id`";

/** Source: https://platform.openai.com/docs/api-reference/responses/create#responses_create-metadata */
const Metadata = z
  .record(z.string().max(64), z.string().max(512))
  .refine((all) => Object.keys(all).length <= 16, { error: "must have at most 16 entries" });

export const ResponseRequest = z.object({
  model: z.string().min(1, { error: "must name a model" }),
  input: z.union(
    [
      z.string().min(1, { error: "must not be empty" }),
      z
        .array(Item)
        .min(1)
        .max(MAX_ITEMS, { error: `must hold at most ${MAX_ITEMS} items` }),
    ],
    { error: "must be text or a list of items" },
  ),
  instructions: z.string().nullish(),
  previous_response_id: z.string().nullish(),
  store: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  user: UserName.nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  max_output_tokens: z.int().min(1).nullish(),
  metadata: Metadata.nullish(),
  truncation: z.enum(["auto", "disabled"]).nullish(),
  tools: ResponseTools.nullish(),
  tool_choice: ResponseToolChoice.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  reasoning: z.object({ effort: Effort.nullish() }).nullish(),
  text: z.object({ format: TextFormat.nullish() }).nullish(),
  background: z.literal(false, { error: "is not supported: stream the answer instead" }).nullish(),
  conversation: z.null({ error: NOT_KEPT }).optional(),
  prompt: z.null({ error: "is not supported here: send `instructions` and `input`" }).optional(),
});
export type ResponseRequest = z.output<typeof ResponseRequest>;

/** A response that was asked for, in our words. */
export interface ResponseOrder extends ClientTools {
  /** As it came: the answer repeats most of it. */
  readonly asked: ResponseRequest;
  readonly items: readonly Item[];
  readonly user: string | undefined;
  readonly previous: string | undefined;
  readonly keep: boolean;
  readonly format: AnswerFormat | undefined;
}

/** @throws GatewayError invalid_request that names the field. */
export function parseResponseOrder(body: unknown): ResponseOrder {
  const asked = parseBody(ResponseRequest, body);
  const { input, tool_choice: choice, user } = asked;
  const items: readonly Item[] =
    typeof input === "string" ? [{ type: "message", role: "user", content: input }] : input;
  if (!items.some(isNews)) {
    throw refusal("input", "must hold a message of the user or the result of a function call");
  }
  return {
    asked,
    items,
    user: user === "" ? undefined : (user ?? undefined),
    previous: asked.previous_response_id ?? undefined,
    keep: asked.store ?? true,
    ...clientTools(
      asked.tools ?? [],
      typeof choice === "object" && choice !== null ? { name: choice.name } : (choice ?? undefined),
    ),
    format: answerFormat(asked.text?.format),
  };
}

/** Whether there is something in it to answer. */
function isNews(item: Item): boolean {
  if (item.type === "function_call_output" || item.type === "item_reference") return true;
  return "role" in item && item.role === "user";
}
