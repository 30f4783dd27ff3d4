import { join } from "node:path";
import { GatewayError } from "../../../../shared/errors.ts";
import { resolvePaths } from "../../../config/paths.ts";
import { carriedVariables, type Definition, stopSecFor } from "../../../service/definition.ts";
import type { ServiceManager } from "../../../service/manager.ts";
import { managerOf, type Scope, textFor } from "../../../service/managers.ts";
import { runtimeFor } from "../../../service/runtime.ts";
import { toolIn } from "../../../service/tool.ts";
import type { Io } from "../../command.ts";
import { machineOf } from "./machine.ts";
import { type ServiceView, viewOf } from "./view.ts";

/** What somebody wants installed. */
export interface ServiceWish {
  readonly scope: Scope;
  readonly port: string | undefined;
  readonly runtimePath: string | undefined;
  /** Who a system service runs as. */
  readonly user: string;
  readonly force: boolean;
}

export interface ServicePlan {
  readonly manager: ServiceManager;
  readonly definition: Definition;
  readonly text: string;
  readonly view: ServiceView;
  /** One line each. */
  readonly warnings: readonly string[];
}

const SYSTEM_STATE = "/var/lib/sallyport";
/** A system service sees nothing of them. */
const HIDDEN = /^\/(?:home|root|run\/user|tmp|var\/tmp)\//;

/**
 * The service as it would be. Changes nothing.
 *
 * @throws GatewayError invalid_request, forbidden; ConfigFault
 */
export async function planService(wish: ServiceWish, io: Io): Promise<ServicePlan> {
  const { scope, port, runtimePath: given, force } = wish;
  checkSudo(wish, io);
  const machine = machineOf(io);
  const manager = managerOf(machine, scope);
  const tool = toolIn(io.env);
  const runtime = await runtimeFor({ execPath: process.execPath, given, force, tool });
  const surroundings = scope === "system" ? ofSystem(io) : io;
  const { stateDir } = resolvePaths(surroundings);
  const variables = carriedVariables(surroundings);
  const envFile = join(stateDir, "service.env");
  const view = await viewOf({ variables, envFile, port }, io);
  if (view.mode === "remote") {
    throw new GatewayError(
      "forbidden",
      `gateway.mode is "remote" in ${view.configPath}: this machine is a client of another gateway`,
    );
  }
  const { node, entry } = runtime;
  const definition: Definition = {
    node,
    entry,
    args: ["gateway", "run", ...(port === undefined ? [] : ["--port", port])],
    variables,
    envFile,
    stateDir,
    stopSec: stopSecFor(view.drainMs),
    notify: manager.kind === "systemd" && (await tool("systemd-notify", ["--version"])).code === 0,
    user: scope === "system" ? wish.user : null,
  };
  if (scope === "system") checkSeen(definition);
  const text = textFor(manager, definition, io.home);
  return {
    manager,
    definition,
    text,
    view,
    warnings: [...runtime.warnings, ...told(view, stateDir)],
  };
}

/** The state of a system service is no user's, unless somebody names a folder. */
function ofSystem(io: Io): Io {
  const { OPENCLAW_STATE_DIR: named = "" } = io.env;
  return named === "" ? { ...io, env: { ...io.env, OPENCLAW_STATE_DIR: SYSTEM_STATE } } : io;
}

function checkSudo({ scope }: ServiceWish, { env, uid }: Io): void {
  const who = env["SUDO_USER"] ?? "";
  if (scope === "system" || uid !== 0 || who === "" || who === "root") return;
  throw new GatewayError(
    "invalid_request",
    `this would be a service of root: say it as ${who}, without sudo, or with --system`,
  );
}

function checkSeen({ node, entry, stateDir }: Definition): void {
  const hidden = [node, entry, stateDir].find((path) => HIDDEN.test(path));
  if (hidden === undefined) return;
  throw new GatewayError(
    "invalid_request",
    `a system service does not see ${hidden}: have the program in /opt and its state in /var/lib`,
  );
}

function told({ shellOnly }: ServiceView, stateDir: string): string[] {
  if (shellOnly.length === 0) return [];
  const names = shellOnly.join(", ");
  return [
    `set in this shell alone, and not for the service: ${names}; put it into ${stateDir}/.env`,
  ];
}
