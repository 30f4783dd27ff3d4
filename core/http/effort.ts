/** How hard a model is to try, in OpenAI's words. Pure. */
import * as z from "zod";
import type { Thinking } from "../models/model.ts";

/** Source: https://platform.openai.com/docs/api-reference/chat/create#chat-create-reasoning_effort */
export const Effort = z.enum(["none", "minimal", "low", "medium", "high", "xhigh", "max"]);

/** Undefined, and null: as the agent has it. */
export function thinkingOf(
  effort: z.output<typeof Effort> | null | undefined,
): Thinking | undefined {
  if (effort === undefined || effort === null) return undefined;
  return effort === "none" ? "off" : effort;
}
