import { parseArgs } from "node:util";
import * as z from "zod";
import { Port } from "../process/place.ts";

/**
 * The flags of `sallyport edge`: which there are, and what their values must look like. Pure.
 */

const FLAGS = {
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
  port: { type: "string" },
  host: { type: "string" },
  storage: { type: "string" },
  "tls-cert": { type: "string" },
  "tls-key": { type: "string" },
  "trust-proxy": { type: "string", multiple: true },
  name: { type: "string" },
  relays: { type: "string" },
  url: { type: "string" },
  "print-unit": { type: "boolean" },
  "dry-run": { type: "boolean" },
  domain: { type: "string" },
  message: { type: "string" },
  "check-url": { type: "string" },
  "check-seconds": { type: "string" },
} as const;
type FlagName = keyof typeof FLAGS;

/** Every command has them. */
const COMMON: readonly FlagName[] = ["json", "help"];

/** Which flags a command has; all others are mistakes. */
const COMMANDS: ReadonlyMap<string, readonly FlagName[]> = new Map([
  [
    "serve",
    [
      "port",
      "host",
      "storage",
      "tls-cert",
      "tls-key",
      "trust-proxy",
      "name",
      "relays",
      "url",
      "print-unit",
    ],
  ],
  ["dev", ["port"]],
  ["deploy", ["dry-run", "name", "domain", "relays", "message", "check-url", "check-seconds"]],
  ["status", ["name", "check-url"]],
  ["rollback", ["name", "message", "check-url", "check-seconds"]],
]);

/** Every flag `command` has; undefined when there is no such command. */
export function flagsOf(command: string): readonly string[] | undefined {
  const flags = COMMANDS.get(command);
  return flags === undefined ? undefined : [...COMMON, ...flags];
}

/** What the user has mistyped. The message is for them, without the program's name. */
export class Mistake extends Error {}

/** A flag there is, with a value that it cannot have. */
export class WrongValue extends Mistake {}

export type Values = ReturnType<typeof parseFlags>["values"];

/** @throws Mistake */
export function parseFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: FLAGS, allowPositionals: true });
  } catch (error) {
    // The first sentence says it; the rest is about quoting dashes.
    throw new Mistake(error instanceof Error ? (error.message.split(/[.\n]/)[0] ?? "") : "");
  }
}

const Seconds = z
  .string()
  .regex(/^\d{1,4}$/)
  .transform(Number);

/** As Cloudflare takes the name of a Worker. */
const Name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);

/** `weur:1,enam:1`: region and generation, primary first. */
const Relays = z.string().regex(/^[a-z-]{2,8}:[a-z0-9-]{1,32}(?:,[a-z-]{2,8}:[a-z0-9-]{1,32})*$/);

const Domain = z
  .string()
  .regex(/^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/);

const HttpUrl = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ""));

export function portOf(text: string): number {
  return checked(Port, "port", text, "a port number from 0 to 65535");
}

export function nameOf({ name }: Values): string | undefined {
  return optional(Name, "name", name, "lower-case letters, digits and dashes");
}

export function relaysOf({ relays }: Values): string | undefined {
  return optional(Relays, "relays", relays, "a list like weur:1,enam:1");
}

export function domainOf({ domain }: Values): string | undefined {
  return optional(Domain, "domain", domain, "a host name like edge.example.com");
}

export function urlOf(values: Values, flag: "url" | "check-url"): string | undefined {
  return optional(HttpUrl, flag, values[flag], "an http(s) URL");
}

export function checkMsOf(values: Values): number {
  const text = values["check-seconds"] ?? "120";
  return 1_000 * checked(Seconds, "check-seconds", text, "a number of seconds");
}

function optional<T>(
  schema: z.ZodType<T>,
  flag: FlagName,
  text: string | undefined,
  wanted: string,
): T | undefined {
  return text === undefined ? undefined : checked(schema, flag, text, wanted);
}

function checked<T>(schema: z.ZodType<T>, flag: FlagName, text: string, wanted: string): T {
  const parsed = schema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new WrongValue(`--${flag} must be ${wanted}`);
}
