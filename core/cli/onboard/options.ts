/** What `onboard` takes, and what must be true of it. Pure. */
import * as z from "zod";

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;

/** Names are those of OpenClaw where it has them; the last are passed over. */
export const ONBOARD_OPTIONS = {
  "non-interactive": flag,
  "accept-risk": flag,
  json: flag,
  mode: text,
  "auth-choice": text,
  provider: text,
  "api-key": text,
  "api-key-env": text,
  model: text,
  "anthropic-api-key": text,
  "openai-api-key": text,
  "openrouter-api-key": text,
  "gemini-api-key": text,
  "groq-api-key": text,
  "mistral-api-key": text,
  "deepseek-api-key": text,
  "xai-api-key": text,
  "custom-base-url": text,
  "custom-model-id": text,
  "custom-api-key": text,
  "custom-provider-id": text,
  "custom-compatibility": text,
  "gateway-port": text,
  "gateway-bind": text,
  "gateway-auth": text,
  "gateway-token": text,
  "gateway-token-ref-env": text,
  "gateway-password": text,
  "remote-url": text,
  "remote-token": text,
  "remote-password": text,
  workspace: text,
  channel: text,
  "channel-token": text,
  "edge-url": text,
  "edge-pairing": text,
  "secret-input-mode": text,
  "install-daemon": flag,
  "no-install-daemon": flag,
  "skip-health": flag,
  "skip-bootstrap": flag,
  "skip-channels": flag,
  "skip-daemon": flag,
  "skip-hooks": flag,
  "skip-search": flag,
  "skip-skills": flag,
  "skip-ui": flag,
  "suppress-gateway-token-output": flag,
} as const;

export type Given = { readonly [K in keyof typeof ONBOARD_OPTIONS]?: string | boolean | undefined };

const Name = z.string().regex(/^[A-Z_][A-Z0-9_]*$/, "must be the name of a variable");
const Url = z.url({ protocol: /^(?:https?|wss?)$/ });
export const Values = z.object({
  mode: z.enum(["local", "remote"]).default("local"),
  "auth-choice": z.string().optional(),
  provider: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "is no name of a provider")
    .optional(),
  "api-key": z.string().min(1).optional(),
  "api-key-env": Name.optional(),
  model: z
    .string()
    .regex(/^[^/\s]+\/\S+$/, 'must be written "provider/model"')
    .optional(),
  "custom-base-url": z.url({ protocol: /^https?$/ }).optional(),
  "custom-model-id": z.string().min(1).optional(),
  "custom-provider-id": z.string().default("custom"),
  "custom-compatibility": z.enum(["openai", "anthropic"]).default("openai"),
  "custom-api-key": z.string().min(1).optional(),
  "gateway-port": z.coerce.number().int().min(1).max(65_535).optional(),
  "gateway-bind": z.string().optional(),
  "gateway-auth": z.enum(["token", "password"]).optional(),
  "gateway-token": z.string().min(1).optional(),
  "gateway-token-ref-env": Name.optional(),
  "gateway-password": z.string().min(1).optional(),
  "remote-url": Url.optional(),
  "remote-token": z.string().min(1).optional(),
  "remote-password": z.string().min(1).optional(),
  workspace: z.string().min(1).optional(),
  channel: z.literal("telegram", "this version has the channel telegram").optional(),
  "channel-token": z.string().min(1).optional(),
  "edge-url": z.url({ protocol: /^https?$/ }).optional(),
  "edge-pairing": z.string().min(1).optional(),
  "secret-input-mode": z.enum(["ref", "plaintext"]).default("ref"),
});
export type Values = z.output<typeof Values>;
