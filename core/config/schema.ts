import * as z from "zod";
import { Agents, Bindings, Identity } from "./sections/agents.ts";
import { Channels } from "./sections/channels.ts";
import { Commands } from "./sections/commands.ts";
import { Cron } from "./sections/cron.ts";
import { Gateway } from "./sections/gateway.ts";
import { Hooks } from "./sections/hooks.ts";
import { Messages } from "./sections/messages.ts";
import { Models } from "./sections/models.ts";
import { Sallyport } from "./sections/sallyport.ts";
import { Secrets } from "./sections/secrets.ts";
import { Session } from "./sections/session.ts";
import { Skills } from "./sections/skills.ts";
import { ToolPolicy } from "./sections/tools.ts";

const Logging = z.strictObject({
  level: z.enum(["silent", "fatal", "error", "warn", "info", "debug", "trace"]).default("info"),
  /** Left out: in the state folder. `YYYY-MM-DD` in it stands for the day. Empty: there is none. */
  file: z.string().max(4_096).optional(),
  /** When it is larger, it is begun anew, and what was before it is kept once. */
  maxFileBytes: z
    .int()
    .min(64 * 1024)
    .max(1024 * 1024 * 1024)
    .default(20 * 1024 * 1024),
});

/**
 * The whole of `openclaw.json`, after `${NAME}` was filled in and what this version passes over was
 * taken out. Strict: an unknown key is a typo, and a typo must not start the gateway.
 */
export const ConfigSchema = z.strictObject({
  gateway: Gateway.prefault({}),
  agents: Agents.prefault({}),
  /** Of the default agent, where it has none of its own. */
  identity: Identity.optional(),
  bindings: Bindings,
  session: Session.prefault({}),
  skills: Skills.prefault({}),
  /** Of all agents. */
  tools: ToolPolicy.prefault({}),
  messages: Messages.prefault({}),
  models: Models.prefault({}),
  channels: Channels.prefault({}),
  commands: Commands.prefault({}),
  cron: Cron.prefault({}),
  hooks: Hooks.prefault({}),
  logging: Logging.prefault({}),
  secrets: Secrets.prefault({}),
  sallyport: Sallyport.prefault({}),
});

export type Config = z.output<typeof ConfigSchema>;
