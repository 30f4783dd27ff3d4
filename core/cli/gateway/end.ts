import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import { resolvePaths } from "../../config/paths.ts";
import type { Found } from "../../service/look.ts";
import { type Io, parseFlags, settingsOf } from "../command.ts";
import { targetOf, TARGET_OPTIONS } from "../target.ts";
import { endProcess, runningPid } from "./signal.ts";

const Scheduled = z.object({
  status: z.string(),
  preflight: z.object({ safe: z.boolean() }),
});

const LATER = "restarts once its runs have ended";

/** One that is to come already waits for the same. */
function waits(status: string, isSafe: boolean): boolean {
  return status === "deferred" || (status === "coalesced" && !isSafe);
}

/** With them a gateway is meant that is asked itself, wherever it runs. */
const ASKED_ITSELF = new Set([...Object.keys(TARGET_OPTIONS), "reason", "skip-deferral", "safe"]);

/** Restarts the service of this machine, or a running gateway within its process. */
export async function gatewayRestart(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseFlags(args, {
    ...TARGET_OPTIONS,
    reason: { type: "string" },
    force: { type: "boolean" },
    "skip-deferral": { type: "boolean" },
    safe: { type: "boolean" },
    json: { type: "boolean" },
  });
  const service = await serviceToRestart(values, io);
  if (service !== undefined) {
    const { restartService, tellControlled } = await import("./service/control.ts");
    tellControlled(await restartService(service, io), values.json === true, io);
    return 0;
  }
  const { askGateway } = await import("../client.ts");
  const target = await targetOf(values, io);
  const { reason } = values;
  // In the words of OpenClaw: `--safe --skip-deferral` is what `--force` comes to here.
  const skipDeferral = values.force === true || values["skip-deferral"] === true;
  const asked = { reason, skipDeferral };
  const payload = await askGateway(target, "gateway.restart.request", asked);
  const { status, preflight } = Scheduled.parse(payload);
  if (values.json === true) io.out(JSON.stringify(payload));
  else io.out(waits(status, preflight.safe) && !skipDeferral ? LATER : "restarts now");
  return 0;
}

/** Undefined: none is installed for the state of this command, or another gateway is meant. */
async function serviceToRestart(values: object, io: Io): Promise<Found | undefined> {
  const isElsewhere = (io.env["OPENCLAW_GATEWAY_URL"] ?? "") !== "";
  if (isElsewhere || Object.keys(values).some((name) => ASKED_ITSELF.has(name))) return undefined;
  const found = await installedService(io);
  if (found === undefined) return undefined;
  const [pid, { pid: own }] = await Promise.all([
    runningPid(found.definition.stateDir),
    found.manager.state(),
  ]);
  // One that somebody runs by hand beside it is the one that is meant.
  return pid === undefined || pid === own ? found : undefined;
}

async function installedService(io: Io): Promise<Found | undefined> {
  const { serviceOf } = await import("./service/machine.ts");
  return serviceOf(resolvePaths(io).stateDir, io);
}

/** Ends the gateway of this machine, or the service that it is. */
export async function gatewayStop(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseFlags(args, { json: { type: "boolean" } });
  const service = await installedService(io);
  if (service !== undefined) {
    const { stopService, tellControlled } = await import("./service/control.ts");
    const stopped = await stopService(service);
    if (stopped !== undefined) {
      tellControlled(stopped, values.json === true, io);
      return 0;
    }
  }
  const { stateDir, limits } = await settingsOf(io);
  const pid = await runningPid(stateDir);
  if (pid === undefined) {
    throw new GatewayError("core_offline", `no gateway of ${stateDir} runs on this machine`);
  }
  await endProcess(pid, limits.drainTimeoutMs);
  if (values.json === true) io.out(JSON.stringify({ ok: true, stopped: true, pid }));
  else io.out(`stopped (pid ${pid})`);
  return 0;
}
