/** The installed service: started, ended, begun anew. */
import { GatewayError } from "../../../../shared/errors.ts";
import { resolvePaths } from "../../../config/paths.ts";
import { awaitHealth } from "../../../service/health.ts";
import { failure } from "../../../service/install.ts";
import { findService, type Found, lookAt } from "../../../service/look.ts";
import { type Io, parseFlags } from "../../command.ts";
import { runningPid } from "../signal.ts";
import { awaitedIn, machineOf, serviceOf } from "./machine.ts";
import { viewOf } from "./view.ts";

export interface Controlled {
  readonly result: "started" | "already_running" | "restarted" | "stopped";
  readonly service: string;
  readonly pid: number | undefined;
}

/** Starts the installed service, unless it runs. */
export async function gatewayStart(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseFlags(args, { json: { type: "boolean" } });
  const { stateDir } = resolvePaths(io);
  const found = await serviceOf(stateDir, io);
  if (found === undefined) throw await noService(stateDir, io);
  tellControlled(await startService(found, io), values.json === true, io);
  return 0;
}

async function noService(stateDir: string, io: Io): Promise<GatewayError> {
  const other = await findService(machineOf(io));
  const remedy =
    other === undefined
      ? "sallyport gateway install, or sallyport gateway run"
      : `the one that is installed has OPENCLAW_STATE_DIR=${other.definition.stateDir}`;
  return new GatewayError("not_found", `no service is installed for ${stateDir}: ${remedy}`);
}

/** @throws GatewayError conflict with the reason. */
async function startService(found: Found, io: Io): Promise<Controlled> {
  const { manager, definition } = found;
  const { state, gone } = await lookAt(found);
  const { name: service } = manager;
  if (state.phase === "running") return { result: "already_running", service, pid: state.pid };
  checkWhole(gone);
  const pid = await runningPid(definition.stateDir);
  if (pid !== undefined) {
    throw new GatewayError(
      "conflict",
      `a gateway runs already, and not as the service (pid ${pid})`,
    );
  }
  await manager.start();
  return { result: "started", service, pid: await wellIn(found, undefined, io) };
}

/** @throws GatewayError conflict with the reason. */
export async function restartService(found: Found, io: Io): Promise<Controlled> {
  const { manager } = found;
  const { state, gone } = await lookAt(found);
  if (state.phase === "stopped" || state.phase === "failed") return startService(found, io);
  checkWhole(gone);
  await manager.restart();
  const pid = await wellIn(found, state.pid, io);
  return { result: "restarted", service: manager.name, pid };
}

/** @returns Undefined: the service did not run. */
export async function stopService({ manager }: Found): Promise<Controlled | undefined> {
  const { phase, pid } = await manager.state();
  if (phase === "stopped" || phase === "failed") return undefined;
  await manager.stop();
  return { result: "stopped", service: manager.name, pid };
}

export function tellControlled({ result, service, pid }: Controlled, json: boolean, io: Io): void {
  if (json) {
    const stopped = result === "stopped" ? { stopped: true } : {};
    io.out(JSON.stringify({ ok: true, ...stopped, result, service, pid: pid ?? null }));
  } else {
    io.out(`${result.replace("_", " ")} (${service}${pid === undefined ? "" : `, pid ${pid}`})`);
  }
}

async function wellIn(found: Found, notPid: number | undefined, io: Io): Promise<number> {
  const { variables, envFile, args } = found.definition;
  const at = args.indexOf("--port");
  const view = await viewOf({ variables, envFile, port: at < 0 ? undefined : args[at + 1] }, io);
  const well = await awaitHealth({ ...awaitedIn(found, view.port), notPid });
  if (!well.ok) throw await failure(found.manager, well.error);
  return well.value;
}

function checkWhole(gone: readonly string[]): void {
  if (gone.length === 0) return;
  throw new GatewayError(
    "conflict",
    `the service would not find ${gone.join(", ")}: sallyport gateway install writes it anew`,
  );
}
