import * as z from "zod";
import { HttpUrl, SecretText } from "../fields.ts";

/** US dollars for a million tokens. */
const Price = z.number().min(0).max(1_000_000);

/** What a provider can do, of a model it has. Others write more here; we read these. */
const ProviderModel = z.looseObject({
  id: z.string().min(1).max(256),
  name: z.string().min(1).max(256).optional(),
  contextWindow: z.int().positive().optional(),
  maxTokens: z.int().positive().optional(),
  reasoning: z.boolean().optional(),
  input: z
    .array(z.enum(["text", "image", "audio", "video", "document"]))
    .max(8)
    .optional(),
  cost: z
    .looseObject({
      input: Price.optional(),
      output: Price.optional(),
      /** Of what is found in the provider's cache, and put there. Left out: as input. */
      cacheRead: Price.optional(),
      cacheWrite: Price.optional(),
    })
    .optional(),
  compat: z
    .looseObject({
      /** False: the server is not told how much to think. */
      supportsReasoningEffort: z.boolean().optional(),
      supportedReasoningEfforts: z.array(z.string().min(1).max(32)).max(16).optional(),
    })
    .optional(),
});
export type ProviderModel = z.output<typeof ProviderModel>;

export const Provider = z.strictObject({
  /** Left out: the vendor's own, for the providers that are known by name. */
  baseUrl: HttpUrl.optional(),
  apiKey: SecretText.optional(),
  /** Left out: `anthropic-messages` for the provider `anthropic`, `openai-completions` for others. */
  api: z
    .enum(["anthropic-messages", "openai-completions"], {
      error: 'this version speaks "anthropic-messages" and "openai-completions"',
    })
    .optional(),
  models: z.array(ProviderModel).max(1_000).default([]),
});

export const Models = z.strictObject({
  providers: z
    .record(z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "is no name for a provider"), Provider)
    .default({}),
});
