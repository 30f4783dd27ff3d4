import * as z from "zod";
import type { Usage } from "../store/message.ts";
import type { ModelRequest } from "./model.ts";

/** Above all that a model reads in a year: what is more could not be added up and kept. */
const MAX_TOKENS = 1e12;

/** As a provider has counted: it may say anything. */
export const TokenCount = z
  .number()
  .nonnegative()
  .transform((tokens) => Math.min(Math.trunc(tokens), MAX_TOKENS));

/**
 * How many tokens `text` would be, when nobody counted: one for every four bytes of UTF-8,
 * rounded up. Right within a third for English prose, more off for code and other scripts.
 * Source: https://help.openai.com/en/articles/4936856 (a token is about four characters).
 */
export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}

/** Usage by that rule: for the demo model, and for servers that report none. */
export function estimateUsage(request: ModelRequest, output: string): Usage {
  const input = request.messages.map((message) => message.text).join("\n");
  return { inputTokens: estimateTokens(input), outputTokens: estimateTokens(output) };
}
