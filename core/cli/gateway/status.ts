import { access } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Settings } from "../../config/settings.ts";
import { readVersion } from "../../gateway/version.ts";
import { logPathOf, logPattern } from "../../log-file.ts";
import { type Io, parseFlags, settingsOf } from "../command.ts";
import { targetOf, TARGET_OPTIONS } from "../target.ts";
import { pidsOnPort } from "./port-holders.ts";
import { probe, type Probed } from "./probing.ts";
import { runningPid } from "./signal.ts";

const OPTIONS = {
  ...TARGET_OPTIONS,
  deep: { type: "boolean" },
  "no-probe": { type: "boolean" },
  "require-rpc": { type: "boolean" },
  json: { type: "boolean" },
} as const;

/** Where the unit of a service manager is, when there is one. */
const UNITS = [
  ".config/systemd/user/sallyport-gateway.service",
  ".config/systemd/user/openclaw-gateway.service",
];

/** Whether a gateway runs, where, and how. */
export async function gatewayStatus(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseFlags(args, OPTIONS);
  const target = await targetOf(values, io);
  const settings = await settingsOf(io, { port: values.port });
  const rpc = values["no-probe"] === true ? undefined : await probe(target);
  const status = await statusOf(settings, rpc, io);
  if (values.json === true) io.out(JSON.stringify(status));
  else for (const line of describe(status)) io.out(line);
  return values["require-rpc"] === true && rpc?.ok !== true ? 1 : 0;
}

async function statusOf(settings: Settings, rpc: Probed | undefined, io: Io) {
  const { stateDir, config, configPath, configExists, gateway } = settings;
  const pattern = logPattern(stateDir, config.logging.file, io.home);
  const [pid, pids, unit] = await Promise.all([
    runningPid(stateDir),
    pidsOnPort(gateway.port),
    unitIn(io.home || homedir()),
  ]);
  return {
    cli: { version: readVersion() },
    logFile: pattern === undefined ? null : logPathOf(pattern, Date.now()),
    service: { installed: unit !== undefined, unit: unit ?? null, running: pid !== undefined, pid },
    config: { path: configPath, exists: configExists, valid: true },
    gateway: {
      bindMode: config.gateway.bind,
      bindHost: gateway.host,
      port: gateway.port,
      probeUrl: rpc?.url ?? null,
    },
    port: { port: gateway.port, status: pids.length > 0 ? "busy" : "free", pids },
    rpc:
      rpc === undefined
        ? undefined
        : { ok: rpc.ok, url: rpc.url, error: rpc.error?.message, version: rpc.version },
  };
}

async function unitIn(home: string): Promise<string | undefined> {
  for (const name of UNITS) {
    const file = join(home, name);
    const isThere = await access(file).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  return undefined;
}

function describe({
  config,
  gateway,
  service,
  port,
  rpc,
  logFile,
}: Awaited<ReturnType<typeof statusOf>>): string[] {
  const process = service.pid === undefined ? "none of this state runs" : `pid ${service.pid}`;
  return [
    `config: ${config.path}${config.exists ? "" : " (not there: all defaults)"}`,
    `gateway: ${gateway.bindHost}:${gateway.port} (${gateway.bindMode}), ${process}`,
    `port: ${port.port} is ${port.status}${port.pids.length > 0 ? ` (pid ${port.pids.join(", ")})` : ""}`,
    `log: ${logFile ?? "none"}`,
    ...(rpc === undefined ? [] : [rpc.ok ? `rpc: ok (${rpc.url})` : `rpc: ${rpc.error}`]),
  ];
}
