import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import * as z from "zod";
import { type Result, err, ok } from "../../shared/result.ts";
import type { Environment, Place } from "../local/options.ts";
import type { CertificateFiles } from "./serve/certificate.ts";
import { type TrustedProxies, parseTrustedProxies } from "./serve/trusted-proxies.ts";

/**
 * The command line of `sallyport edge`, as what to do. Pure.
 */

export interface ServeOptions {
  readonly json: boolean;
  readonly printUnit: boolean;
  /** Undefined means every address of this machine. */
  readonly host: string | undefined;
  readonly port: number;
  /** Absolute. */
  readonly storageDir: string;
  readonly tls: CertificateFiles | undefined;
  readonly trusted: TrustedProxies;
  readonly name: string | undefined;
  readonly relays: string | undefined;
  /** Where cores and clients reach this edge, when that is not its own port. */
  readonly publicUrl: string | undefined;
}

export interface DevOptions {
  readonly json: boolean;
  readonly port: number;
  /** Absolute; the one `npm start` uses. */
  readonly stateDir: string;
}

/** What names a deployment, and where its files are. */
export interface DeploymentOptions {
  readonly json: boolean;
  /** Absolute. */
  readonly stateDir: string;
  /** Of the Worker. */
  readonly name: string | undefined;
  /** Where to ask whether the edge is up, when not at its own address. */
  readonly checkUrl: string | undefined;
  /** How long to go on asking. */
  readonly checkMs: number;
}

export interface DeployOptions extends DeploymentOptions {
  readonly dryRun: boolean;
  /** Custom domain; undefined keeps what the last deploy had. */
  readonly domain: string | undefined;
  readonly relays: string | undefined;
  readonly message: string | undefined;
}

export interface RollbackOptions extends DeploymentOptions {
  /** Undefined means the version before. */
  readonly version: string | undefined;
  readonly message: string | undefined;
}

export type EdgeCommand =
  | { readonly command: "serve"; readonly options: ServeOptions }
  | { readonly command: "dev"; readonly options: DevOptions }
  | { readonly command: "deploy"; readonly options: DeployOptions }
  | { readonly command: "status"; readonly options: DeploymentOptions }
  | { readonly command: "rollback"; readonly options: RollbackOptions }
  | { readonly command: "help" };

/** A TCP port; 0 means any free one. */
const Port = z
  .string()
  .regex(/^\d{1,5}$/)
  .transform(Number)
  .pipe(z.int().max(65_535));

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

class Mistake extends Error {}

type Values = ReturnType<typeof parseFlags>["values"];

/** @returns One line for the user when it makes no sense. */
export function parseCommand(
  argv: readonly string[],
  env: Environment,
  place: Place,
): Result<EdgeCommand, string> {
  try {
    return ok(commandOf(argv, env, place));
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    return err(`${error.message}; try sallyport edge help`);
  }
}

function commandOf(argv: readonly string[], env: Environment, place: Place): EdgeCommand {
  const [command = "help", ...rest] = argv;
  if (command === "help" || command === "--help" || command === "-h") return { command: "help" };
  const flags = COMMANDS.get(command);
  if (flags === undefined) throw new Mistake(`edge knows no "${command.slice(0, 64)}"`);
  const { values, positionals } = parseFlags(rest);
  if (values.help === true) return { command: "help" };
  const strange = Object.keys(values).find(
    (name) => ![...COMMON, ...flags].some((known) => known === name),
  );
  if (strange !== undefined) throw new Mistake(`edge ${command} knows no --${strange}`);
  const extra = positionals[command === "rollback" ? 1 : 0];
  if (extra !== undefined) throw new Mistake(`edge ${command} knows no "${extra}"`);
  return optionsOf(command, { values, version: positionals[0], where: placeOf(env, place), env });
}

interface Parsed {
  readonly values: Values;
  readonly version: string | undefined;
  readonly where: Where;
  readonly env: Environment;
}

function optionsOf(command: string, { values, version, where, env }: Parsed): EdgeCommand {
  switch (command) {
    case "serve":
      return { command, options: serveOptions(values, where) };
    case "dev":
      return { command, options: devOptions(values, env, where) };
    case "deploy":
      return { command, options: deployOptions(values, where) };
    case "status":
      return { command, options: deployment(values, where) };
    default: {
      const { message } = values;
      return {
        command: "rollback",
        options: { ...deployment(values, where), version, message },
      };
    }
  }
}

function parseFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: FLAGS, allowPositionals: true });
  } catch (error) {
    // The first sentence says it; the rest is about quoting dashes.
    throw new Mistake(error instanceof Error ? (error.message.split(/[.\n]/)[0] ?? "") : "");
  }
}

interface Where {
  readonly stateDir: string;
  toPath(text: string): string;
}

function placeOf(env: Environment, { cwd, home }: Place): Where {
  // Service managers pass `~` on unexpanded.
  const expand = (text: string, base: string): string =>
    resolve(cwd, text.trim().replace(/^~(?=$|[/\\])/, base));
  const base = env["OPENCLAW_HOME"]?.trim() ? expand(env["OPENCLAW_HOME"], home) : home;
  const given = env["OPENCLAW_STATE_DIR"]?.trim();
  return {
    stateDir: given ? expand(given, base) : join(base, ".openclaw"),
    toPath: (text) => expand(text, base),
  };
}

function serveOptions(values: Values, where: Where): ServeOptions {
  const certFile = values["tls-cert"];
  const keyFile = values["tls-key"];
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new Mistake("--tls-cert and --tls-key go together");
  }
  const tls =
    certFile === undefined || keyFile === undefined
      ? undefined
      : { certFile: where.toPath(certFile), keyFile: where.toPath(keyFile) };
  const trusted = parseTrustedProxies((values["trust-proxy"] ?? []).join(","));
  if (!trusted.ok) {
    throw new Mistake(`--trust-proxy: "${trusted.error}" is no address, network or "loopback"`);
  }
  return {
    json: values.json ?? false,
    printUnit: values["print-unit"] ?? false,
    // Tokens must not cross a network in the clear by accident.
    host: values.host ?? (tls === undefined ? "127.0.0.1" : undefined),
    port: checked(Port, "port", values.port ?? "8787", "a port number from 0 to 65535"),
    storageDir: where.toPath(values.storage ?? join(where.stateDir, "edge-server")),
    tls,
    trusted: trusted.value,
    name: nameOf(values),
    relays: relaysOf(values),
    publicUrl: optional(HttpUrl, "url", values.url, "an http(s) URL"),
  };
}

function devOptions(values: Values, env: Environment, { stateDir }: Where): DevOptions {
  const port = values.port ?? (env["SALLYPORT_EDGE_PORT"] || "8787");
  return {
    json: values.json ?? false,
    port: checked(Port, "port", port, "a port number from 0 to 65535"),
    stateDir,
  };
}

function deployment(values: Values, { stateDir }: Where): DeploymentOptions {
  return {
    json: values.json ?? false,
    stateDir,
    name: nameOf(values),
    checkUrl: optional(HttpUrl, "check-url", values["check-url"], "an http(s) URL"),
    checkMs:
      1_000 *
      checked(Seconds, "check-seconds", values["check-seconds"] ?? "120", "a number of seconds"),
  };
}

function deployOptions(values: Values, where: Where): DeployOptions {
  return {
    ...deployment(values, where),
    dryRun: values["dry-run"] ?? false,
    domain: optional(Domain, "domain", values.domain, "a host name like edge.example.com"),
    relays: relaysOf(values),
    message: values.message,
  };
}

function nameOf({ name }: Values): string | undefined {
  return optional(Name, "name", name, "lower-case letters, digits and dashes");
}

function relaysOf({ relays }: Values): string | undefined {
  return optional(Relays, "relays", relays, "a list like weur:1,enam:1");
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
  throw new Mistake(`--${flag} must be ${wanted}`);
}
