import * as z from "zod";
import { HttpUrl, SecretText } from "../fields.ts";

/** `provider/model`; what may be in the two parts, the models know. */
const ModelRef = z
  .string()
  .regex(/^[^/\s]+\/\S+$/, 'must be written "provider/model"')
  .max(256);

export const AgentDefaults = z.strictObject({
  /** Left out: the provider there is a key for, or else the demo. */
  model: z
    .preprocess(
      (value) => (typeof value === "string" ? { primary: value } : value),
      z.strictObject({ primary: ModelRef, fallbacks: z.array(ModelRef).max(16).default([]) }),
    )
    .optional(),
  /** What the model is told before everything else. */
  systemPromptOverride: z.string().max(100_000).optional(),
  workspace: z.string().min(1).optional(),
});

/** What a provider can do, of a model it has. Others write more here; we read the name. */
const ProviderModel = z.looseObject({ id: z.string().min(1).max(256) });

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
