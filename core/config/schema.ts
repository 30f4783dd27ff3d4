import * as z from "zod";
import { Channels } from "./sections/channels.ts";
import { Gateway } from "./sections/gateway.ts";
import { Hooks } from "./sections/hooks.ts";
import { AgentDefaults, Models } from "./sections/models.ts";
import { Sallyport } from "./sections/sallyport.ts";

const Logging = z.strictObject({
  level: z.enum(["silent", "fatal", "error", "warn", "info", "debug", "trace"]).default("info"),
});

/**
 * The whole of `openclaw.json`, after `${NAME}` was filled in and what this version passes over was
 * taken out. Strict: an unknown key is a typo, and a typo must not start the gateway.
 */
export const ConfigSchema = z.strictObject({
  gateway: Gateway.prefault({}),
  agents: z.strictObject({ defaults: AgentDefaults.prefault({}) }).prefault({}),
  models: Models.prefault({}),
  channels: Channels.prefault({}),
  hooks: Hooks.prefault({}),
  logging: Logging.prefault({}),
  sallyport: Sallyport.prefault({}),
});

export type Config = z.output<typeof ConfigSchema>;
