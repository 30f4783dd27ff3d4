import { readVersion } from "../../gateway/version.ts";
import { logPathOf, logPattern } from "../../log-file.ts";
import { type Io, parseFlags } from "../command.ts";
import { targetOf, TARGET_OPTIONS } from "../target.ts";
import { pidsOnPort } from "./port-holders.ts";
import { probe, type Probed } from "./probing.ts";
import { serviceFacts, serviceLines } from "./service/facts.ts";
import { runningPid } from "./signal.ts";
import { suspensionLines } from "./suspended.ts";
import { type GatewayView, gatewayView } from "./view.ts";

const OPTIONS = {
  ...TARGET_OPTIONS,
  deep: { type: "boolean" },
  "no-probe": { type: "boolean" },
  "require-rpc": { type: "boolean" },
  json: { type: "boolean" },
} as const;

/** Whether a gateway runs, where, and how. */
export async function gatewayStatus(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseFlags(args, OPTIONS);
  const target = await targetOf(values, io);
  const view = await gatewayView(io, values.port);
  const rpc = values["no-probe"] === true ? undefined : await probe(target);
  const status = await statusOf(view, rpc, io);
  if (values.json === true) io.out(JSON.stringify(status));
  else for (const line of describe(status)) io.out(line);
  return values["require-rpc"] === true && rpc?.ok !== true ? 1 : 0;
}

async function statusOf(view: GatewayView, rpc: Probed | undefined, io: Io) {
  const { stateDir, configPath, configExists, fault, port } = view;
  const pattern = logPattern(stateDir, view.logFile, io.home);
  const [pid, pids, service] = await Promise.all([
    runningPid(stateDir),
    pidsOnPort(port),
    serviceFacts(view, rpc?.version, io),
  ]);
  return {
    cli: { version: readVersion() },
    logFile: pattern === undefined ? null : logPathOf(pattern, Date.now()),
    service: { ...service, running: pid !== undefined, pid },
    config: { path: configPath, exists: configExists, valid: fault === undefined, error: fault },
    gateway: {
      bindMode: view.bind,
      bindHost: view.host,
      port,
      probeUrl: rpc?.url ?? null,
    },
    port: { port, status: pids.length > 0 ? "busy" : "free", pids },
    rpc:
      rpc === undefined
        ? undefined
        : {
            ok: rpc.ok,
            url: rpc.url,
            error: rpc.error?.message,
            version: rpc.version,
            suspension: rpc.suspension,
          },
  };
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
    ...(config.error === undefined ? [] : [`config is refused: ${config.error}`]),
    `gateway: ${gateway.bindHost}:${gateway.port} (${gateway.bindMode}), ${process}`,
    `port: ${port.port} is ${port.status}${port.pids.length > 0 ? ` (pid ${port.pids.join(", ")})` : ""}`,
    ...serviceLines(service),
    `log: ${logFile ?? "none"}`,
    ...(rpc === undefined ? [] : [rpc.ok ? `rpc: ok (${rpc.url})` : `rpc: ${rpc.error}`]),
    ...suspensionLines(rpc?.suspension),
  ];
}
