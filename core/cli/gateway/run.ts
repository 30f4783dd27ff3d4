import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { flushCompileCache } from "node:module";
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { Settings } from "../../config/settings.ts";
import type { Gateway } from "../../gateway/lifecycle/start.ts";
import { type Io, parseFlags, settingsOf } from "../command.ts";
import { notifyManager } from "../../service/notify.ts";
import { LogFile, logPattern } from "../../log-file.ts";
import type { LoadSettings } from "../../gateway/lifecycle/reload.ts";
import { sourceOf, stopped } from "../ready.ts";
import { FOREIGN_OPTIONS, foreignWarnings } from "./foreign-flags.ts";
import { holdHeap } from "./heap.ts";
import { takeOver } from "./signal.ts";

const Descriptor = z.coerce.number().int().min(1).max(1023);

const OPTIONS = {
  port: { type: "string" },
  bind: { type: "string" },
  auth: { type: "string" },
  token: { type: "string" },
  password: { type: "string" },
  "password-file": { type: "string" },
  verbose: { type: "boolean" },
  force: { type: "boolean" },
  "allow-unconfigured": { type: "boolean" },
  json: { type: "boolean" },
  "ready-fd": { type: "string" },
  standby: { type: "boolean" },
  ...FOREIGN_OPTIONS,
} as const;

/** The gateway itself, until it is told to stop. */
export async function runGateway(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  // Asked for first, so that a Ctrl-C during the start is heard as well.
  const { stop } = io;
  if (positionals.length > 0) {
    throw new GatewayError("invalid_request", "gateway run takes flags alone; try --help");
  }
  const passedOver = foreignWarnings(values);
  const readyFd = descriptorOf(values["ready-fd"]);
  const { port, bind, auth, token, standby, json = false } = values;
  const password = await passwordOf(values.password, values["password-file"]);
  const flags = { port, bind, auth, token, password, standby };
  const settings = await settingsOf(io, flags);
  if (settings.config.gateway.mode === "remote") {
    throw new GatewayError(
      "forbidden",
      `gateway.mode is "remote" in ${settings.configPath}: this machine is a client of another gateway`,
    );
  }
  const { refuseForeignState } = await import("../../gateway/lifecycle/foreign-state.ts");
  await refuseForeignState(settings.stateDir);
  if (values.force === true) await takeOver(settings);
  const [{ startGateway }, { loadSettings }, { createLog }] = await Promise.all([
    import("../../gateway/lifecycle/start.ts"),
    import("../../config/resolve.ts"),
    import("../../log.ts"),
  ]);
  await using file = openLogFile(settings, io);
  const level = values.verbose === true ? "debug" : settings.logLevel;
  const log = createLog(level, destinationOf(io, file));
  for (const warning of [...passedOver, ...settings.warnings]) log.warn(warning);

  const { env, cwd, home, uid } = io;
  const load: LoadSettings = (adjust) =>
    loadSettings({ env, cwd, home, uid, flags, memory: settings.secretMemory, adjust });
  await using running = await startWithPids(
    () => startGateway(settings, log, load, () => file?.path),
    settings,
  );
  const tell = (event: "standby" | "ready"): void => {
    const line = stateLine(event, running, settings, io);
    if (json || io.supervised) io.out(line);
    if (readyFd !== undefined) writeFileSync(readyFd, `${line}\n`);
    void notifyManager(io.env, "--ready", `--status=${event}, port ${running.port}`);
  };
  const standsBy = settings.mode === "standby";
  tell(standsBy ? "standby" : "ready");
  // Now, and not at the exit: a gateway that is killed one day should start faster all the same.
  flushCompileCache();
  holdHeap();
  const stopping = stopped(stop);
  if (standsBy) {
    // One that should lead and cannot is of no use: that ends it.
    await Promise.race([running.leads, stopping]);
    if (!stop.aborted) tell("ready");
  }
  await stopping;
  log.info("stopping");
  await Promise.all([running.drain(), notifyManager(io.env, "STOPPING=1")]);
  return 0;
}

interface LogDestination {
  write(line: string): void;
}

/** launchd keeps what is said on stderr in a file that nobody cuts: our own, by day, has it as well. */
function destinationOf(io: Io, file: LogFile | undefined): LogDestination {
  if (file === undefined) return io.log;
  return io.env["SALLYPORT_SERVICE"] === "launchd" ? file : both(io.log, file);
}

function both(one: LogDestination, other: LogDestination): LogDestination {
  return {
    write(line) {
      one.write(line);
      other.write(line);
    },
  };
}

function openLogFile({ stateDir, config }: Settings, io: Io): LogFile | undefined {
  const { file, maxFileBytes: maxBytes } = config.logging;
  const path = logPattern(stateDir, file, io.home);
  return path === undefined ? undefined : new LogFile({ path, maxBytes, now: Date.now });
}

async function passwordOf(
  given: string | undefined,
  file: string | undefined,
): Promise<string | undefined> {
  if (given !== undefined || file === undefined) return given;
  try {
    return (await readFile(file, "utf8")).trimEnd();
  } catch (cause) {
    throw new GatewayError("invalid_request", `--password-file ${file} cannot be read`, { cause });
  }
}

/** Whoever has our port is named: that is what people look for next. */
async function startWithPids(start: () => Promise<Gateway>, settings: Settings): Promise<Gateway> {
  try {
    return await start();
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== "conflict") throw error;
    const { pidsOnPort } = await import("./port-holders.ts");
    const pids = await pidsOnPort(settings.gateway.port);
    // Whoever has our state says so itself, and has our port as well.
    if (pids.length === 0 || pids.some((pid) => error.message.includes(`(pid ${pid} `))) {
      throw error;
    }
    throw new GatewayError("conflict", `${error.message} (pid ${pids.join(", ")})`, {
      cause: error,
    });
  }
}

function descriptorOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const parsed = Descriptor.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new GatewayError("invalid_request", "--ready-fd must be the number of an open file");
}

/** For the program that started us: how we are, where, and where to find what opens us. */
function stateLine(
  event: "standby" | "ready",
  { port, url, model }: Gateway,
  { gateway: own, hooks, ingress, edge }: Settings,
  io: Io,
): string {
  return JSON.stringify({
    event,
    pid: io.pid,
    port,
    url,
    gateway: url,
    model,
    token: sourceOf(own.token, "OPENCLAW_GATEWAY_TOKEN"),
    hooks: hooks === undefined ? null : sourceOf(hooks.token, ""),
    hooksPath: ingress.path,
    edge: edge?.url ?? null,
  });
}
