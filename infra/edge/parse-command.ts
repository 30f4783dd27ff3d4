import { join } from "node:path";
import { type Result, err, ok } from "../../shared/result.ts";
import { EXIT_CONFIG, EXIT_FAILURE } from "../process/exit-codes.ts";
import { Failure } from "../process/failure.ts";
import { type Environment, type Place, type Where, placesOf } from "../process/place.ts";
import {
  Mistake,
  type Values,
  WrongValue,
  checkMsOf,
  domainOf,
  flagsOf,
  nameOf,
  parseFlags,
  portOf,
  relaysOf,
  urlOf,
} from "./flags.ts";
import type {
  DeployOptions,
  DeploymentOptions,
  DevOptions,
  EdgeCommand,
  ServeOptions,
} from "./options.ts";
import { parseTrustedProxies } from "./serve/trusted-proxies.ts";

/**
 * The command line of `sallyport edge`, as what to do. Pure.
 */

/** They go on until they are told to end, and so a service manager may have started them. */
const SERVICES: ReadonlySet<string> = new Set(["serve", "dev"]);

/** @returns One line for the user when it makes no sense, and how the program is to end. */
export function parseCommand(
  argv: readonly string[],
  env: Environment,
  place: Place,
): Result<EdgeCommand, Failure> {
  try {
    return ok(commandOf(argv, env, place));
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    // Flags are all the settings that these have, and no further start mends one.
    const isSetting = error instanceof WrongValue && SERVICES.has(argv[0] ?? "");
    const exitCode = isSetting ? EXIT_CONFIG : EXIT_FAILURE;
    return err(new Failure(`${error.message}; try sallyport edge help`, exitCode));
  }
}

function commandOf(argv: readonly string[], env: Environment, place: Place): EdgeCommand {
  const [command = "help", ...rest] = argv;
  if (command === "help" || command === "--help" || command === "-h") return { command: "help" };
  const flags = flagsOf(command);
  if (flags === undefined) throw new Mistake(`edge knows no "${command.slice(0, 64)}"`);
  const { values, positionals } = parseFlags(rest);
  if (values.help === true) return { command: "help" };
  const strange = Object.keys(values).find((name) => !flags.includes(name));
  if (strange !== undefined) throw new Mistake(`edge ${command} knows no --${strange}`);
  const extra = positionals[command === "rollback" ? 1 : 0];
  if (extra !== undefined) throw new Mistake(`edge ${command} knows no "${extra}"`);
  return optionsOf(command, { values, version: positionals[0], where: placesOf(env, place), env });
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

function serveOptions(values: Values, where: Where): ServeOptions {
  const certFile = values["tls-cert"];
  const keyFile = values["tls-key"];
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new WrongValue("--tls-cert and --tls-key go together");
  }
  const tls =
    certFile === undefined || keyFile === undefined
      ? undefined
      : { certFile: where.toPath(certFile), keyFile: where.toPath(keyFile) };
  const trusted = parseTrustedProxies((values["trust-proxy"] ?? []).join(","));
  if (!trusted.ok) {
    throw new WrongValue(`--trust-proxy: "${trusted.error}" is no address, network or "loopback"`);
  }
  return {
    json: values.json ?? false,
    printUnit: values["print-unit"] ?? false,
    // Tokens must not cross a network in the clear by accident.
    host: values.host ?? (tls === undefined ? "127.0.0.1" : undefined),
    port: portOf(values.port ?? "8787"),
    storageDir: where.toPath(values.storage ?? join(where.stateDir, "edge-server")),
    tls,
    trusted: trusted.value,
    name: nameOf(values),
    relays: relaysOf(values),
    publicUrl: urlOf(values, "url"),
  };
}

function devOptions(values: Values, env: Environment, { stateDir }: Where): DevOptions {
  const port = values.port ?? (env["SALLYPORT_EDGE_PORT"] || "8787");
  return {
    json: values.json ?? false,
    port: portOf(port),
    stateDir,
  };
}

function deployment(values: Values, { stateDir }: Where): DeploymentOptions {
  return {
    json: values.json ?? false,
    stateDir,
    name: nameOf(values),
    checkUrl: urlOf(values, "check-url"),
    checkMs: checkMsOf(values),
  };
}

function deployOptions(values: Values, where: Where): DeployOptions {
  return {
    ...deployment(values, where),
    dryRun: values["dry-run"] ?? false,
    domain: domainOf(values),
    relays: relaysOf(values),
    message: values.message,
  };
}
