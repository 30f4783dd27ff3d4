import * as z from "zod";
import { LIMITS } from "../../../shared/limits.ts";
import { SecretText } from "../fields.ts";
import { InternalHooks } from "./internal-hooks.ts";

const SessionKey = z.string().trim().min(1).max(256);

/** As OpenClaw has them; what this version passes over is taken out before. */
export const HookMapping = z.strictObject({
  id: z.string().max(128).optional(),
  match: z
    .strictObject({ path: z.string().max(256).optional(), source: z.string().max(256).optional() })
    .optional(),
  action: z.enum(["wake", "agent"]).default("agent"),
  wakeMode: z.enum(["now", "next-heartbeat"]).default("now"),
  name: z.string().trim().max(128).optional(),
  agentId: z.string().max(64).optional(),
  sessionKey: SessionKey.optional(),
  messageTemplate: z.string().max(32_768).optional(),
  textTemplate: z.string().max(32_768).optional(),
  forEach: z
    .string()
    .regex(/^[^.[\]]{1,128}$/, "must be a key at the top of the body")
    .optional(),
  deliver: z.boolean().optional(),
  channel: z.string().trim().min(1).max(64).optional(),
  to: z.string().max(256).optional(),
  /** Trusted code there. It is not run here, and without it the mapping means something else. */
  transform: z.looseObject({ module: z.string().max(1_024) }).optional(),
});
export type HookMapping = z.output<typeof HookMapping>;

export const Hooks = z
  .strictObject({
    enabled: z.boolean().default(false),
    token: SecretText.optional(),
    /** What webhooks are posted below, at our own port and at the edge. */
    path: z
      .string()
      .regex(/^\/[a-z0-9][a-z0-9/_-]*[a-z0-9]$/i, 'must be a path like "/hooks"')
      .max(128)
      .default("/hooks"),
    /** A prompt, not a document. */
    maxBodyBytes: z
      .int()
      .min(1)
      .max(LIMITS.maxWebhookBytes)
      .default(256 * 1024),
    /** The session of calls that name none; left out: one each. */
    defaultSessionKey: SessionKey.optional(),
    /** Whether a call may name its session; only with prefixes, or it could name the owner's. */
    allowRequestSessionKey: z.boolean().default(false),
    allowedSessionKeyPrefixes: z.array(SessionKey).max(64).default([]),
    /** Left out, or with `*`: all there are. */
    allowedAgentIds: z.array(z.string().min(1).max(64)).max(1_000).optional(),
    mappings: z.array(HookMapping).max(256).default([]),
    presets: z.array(z.string().min(1).max(64)).max(16).default([]),
    /** What is done when something happens here: these need no `enabled`. */
    internal: InternalHooks.prefault({}),
  })
  .refine(
    ({ allowRequestSessionKey, allowedSessionKeyPrefixes: prefixes }) =>
      !allowRequestSessionKey || prefixes.length > 0,
    {
      error: 'is needed with allowRequestSessionKey: say what such sessions begin with, ["hook:"]',
      path: ["allowedSessionKeyPrefixes"],
    },
  );
export type Hooks = z.output<typeof Hooks>;
