import * as z from "zod";
import { HttpUrl, SecretText } from "../fields.ts";

/** What a hook may hear of. A bare family stands for all of it. */
export const INTERNAL_EVENTS = [
  "gateway:startup",
  "command:new",
  "command:reset",
  "session:compact",
  "session:patch",
  "cron:finished",
  "cron:failed",
  "heartbeat:alert",
] as const;
export type InternalEvent = (typeof INTERNAL_EVENTS)[number];

const MAX_HOOKS = 64;

const Subscription = z.string().refine(isKnown, {
  error: `must be one of ${INTERNAL_EVENTS.join(", ")}, or a family of them like "command"`,
});

function isKnown(name: string): boolean {
  return INTERNAL_EVENTS.some((event) => event === name || event.startsWith(`${name}:`));
}

/** What is done: nothing that is code, and nothing that whoever causes the event can choose. */
const Action = z.discriminatedUnion("kind", [
  /** Asks the agent. `{{event}}`, `{{sessionKey}}`, `{{jobId}}` … are filled in. */
  z.strictObject({
    kind: z.literal("agent"),
    message: z.string().min(1).max(32_768),
    agentId: z.string().min(1).max(64).optional(),
    /** Left out: a session of its own for every time. */
    sessionKey: z.string().min(1).max(256).optional(),
    deliver: z
      .strictObject({ channel: z.string().min(1).max(64), to: z.string().min(1).max(256) })
      .optional(),
  }),
  /** Leaves a note that the agent reads with the next prompt of its main session. */
  z.strictObject({
    kind: z.literal("systemEvent"),
    text: z.string().min(1).max(4_096),
    agentId: z.string().min(1).max(64).optional(),
    wake: z.enum(["now", "next-heartbeat"]).default("next-heartbeat"),
  }),
  /** Posts the event as JSON. */
  z.strictObject({
    kind: z.literal("post"),
    url: HttpUrl,
    token: SecretText.optional(),
    timeoutSeconds: z.int().min(1).max(60).default(10),
  }),
]);
export type InternalAction = z.output<typeof Action>;

/** Further keys belong to hooks that are code, which are not loaded: read past. */
const Entry = z.looseObject({
  enabled: z.boolean().default(true),
  description: z.string().max(1_000).optional(),
  events: z
    .array(Subscription)
    .max(INTERNAL_EVENTS.length * 2)
    .default([]),
  action: Action.optional(),
});

/** Hooks on what happens inside the gateway. */
export const InternalHooks = z.strictObject({
  enabled: z.boolean().default(true),
  entries: z
    .record(z.string().min(1).max(64), Entry)
    .refine((entries) => Object.keys(entries).length <= MAX_HOOKS, {
      error: `must have at most ${MAX_HOOKS} entries`,
    })
    .default({}),
});
export type InternalHooks = z.output<typeof InternalHooks>;
