import { stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { GatewayError } from "../../../../shared/errors.ts";
import { diffLines } from "../../../service/diff.ts";
import {
  checkPlace,
  install,
  type Installed,
  type Order,
  placeOf,
  uninstall,
} from "../../../service/install.ts";
import { letLinger, lingers } from "../../../service/linger.ts";
import { findService } from "../../../service/look.ts";
import { managerOf } from "../../../service/managers.ts";
import { toolIn } from "../../../service/tool.ts";
import { type Io, parseFlags } from "../../command.ts";
import { endProcess, runningPid } from "../signal.ts";
import { awaitedIn, machineOf } from "./machine.ts";
import { planService, type ServicePlan, type ServiceWish } from "./plan.ts";

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;
const OPTIONS = {
  port: text,
  runtime: text,
  "runtime-path": text,
  token: text,
  system: flag,
  "run-as": text,
  linger: flag,
  "dry-run": flag,
  print: flag,
  force: flag,
  json: flag,
} as const;

/** What came of an installation. */
export interface ServiceInstalled extends Installed {
  readonly kind: "systemd" | "launchd";
  readonly scope: "user" | "system";
  readonly name: string;
  readonly file: string;
  /** Null where there is no such thing. */
  readonly linger: boolean | null;
  readonly warnings: readonly string[];
}

/** Installs the gateway as a service, and starts it. */
export async function gatewayInstall(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, OPTIONS);
  checkFlags(values, positionals);
  const wish = wishOf(values);
  const plan = await planService(wish, io);
  if (values.print === true) {
    io.out(plan.text.trimEnd());
    return 0;
  }
  if (values["dry-run"] === true) return dryRun(plan, values.json === true, io);
  const done = await installService(
    plan,
    { force: wish.force, linger: values.linger === true },
    io,
  );
  const { warnings, ...installed } = done;
  if (values.json === true) io.out(JSON.stringify({ ok: true, ...installed, warnings }));
  else tellInstalled(done, plan, io);
  return 0;
}

function checkFlags(
  { token, runtime = "node" }: { token?: string | undefined; runtime?: string | undefined },
  positionals: readonly string[],
): void {
  if (positionals.length > 0) {
    throw new GatewayError("invalid_request", "gateway install takes flags alone; try --help");
  }
  if (token !== undefined) {
    throw new GatewayError(
      "invalid_request",
      "--token would be seen by everybody who lists processes: sallyport config set gateway.auth.token",
    );
  }
  if (runtime !== "node") {
    throw new GatewayError("invalid_request", "--runtime: the gateway runs on node");
  }
}

function wishOf(values: ReturnType<typeof parseFlags<typeof OPTIONS>>["values"]): ServiceWish {
  return {
    scope: values.system === true ? "system" : "user",
    port: values.port,
    runtimePath: values["runtime-path"],
    user: values["run-as"] ?? "sallyport",
    force: values.force === true,
  };
}

/** @throws GatewayError with the reason; then everything is as it was. */
export async function installService(
  plan: ServicePlan,
  { force, linger }: { readonly force: boolean; readonly linger: boolean },
  io: Io,
): Promise<ServiceInstalled> {
  const { manager, definition, view } = plan;
  const { kind, scope, name, file } = manager;
  const order: Order = { ...awaitedIn(plan, view.port), text: plan.text, force, ...definition };
  checkPlace(await placeOf(manager), order);
  const whyNot = await manager.whyNot();
  if (whyNot !== undefined) throw new GatewayError("conflict", `${whyNot}; ${INSTEAD}`);
  if (scope === "system") await checkSystem(plan, io);
  const { pid: ofService } = await manager.state();
  const pid = await runningPid(definition.stateDir);
  if (pid !== undefined && pid !== ofService) {
    if (!force) {
      throw new GatewayError(
        "conflict",
        `a gateway runs already, and not as this service (pid ${pid}): sallyport gateway stop ends it, and so does --force`,
      );
    }
    await endProcess(pid, view.drainMs);
  }
  const installed = await install(order);
  const warnings = [...plan.warnings];
  const lasts =
    kind === "systemd" && scope === "user" ? await lingering(linger, warnings, io) : null;
  return { ...installed, kind, scope, name, file, linger: lasts, warnings };
}

const INSTEAD =
  "without one: docker compose with restart: unless-stopped, or nohup sallyport gateway run > /dev/null 2>&1 &";

/** @param warnings - Gets one more when the service ends with the session. */
async function lingering(wanted: boolean, warnings: string[], { env }: Io): Promise<boolean> {
  const { username } = userInfo();
  if (await lingers(username)) return true;
  if (wanted) {
    try {
      await letLinger(username, toolIn(env));
      return true;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      warnings.push(error.message);
      return false;
    }
  }
  warnings.push(
    "it ends when you log out, and does not start with the machine: sallyport gateway install --linger",
  );
  return false;
}

/** @throws GatewayError forbidden, invalid_request with what has to be done first. */
async function checkSystem({ definition }: ServicePlan, { uid, env }: Io): Promise<void> {
  const { user, stateDir } = definition;
  if (uid !== 0) {
    throw new GatewayError("forbidden", "--system needs root: say it with sudo, or add --print");
  }
  const run = await toolIn(env)("id", ["-u", "--", user ?? ""]);
  if (run.code !== 0) {
    throw new GatewayError(
      "invalid_request",
      `there is no user ${user}: useradd --system --home-dir ${stateDir} --shell /usr/sbin/nologin ${user}`,
    );
  }
  const isOwn = /^\/var\/lib\/[A-Za-z0-9][\w.-]*$/.test(stateDir);
  const facts = await stat(stateDir).catch(() => undefined);
  if (isOwn || facts?.uid === Number(run.out.trim())) return;
  throw new GatewayError("invalid_request", `${stateDir} must be a folder that belongs to ${user}`);
}

async function dryRun({ manager, text: wanted, warnings }: ServicePlan, json: boolean, io: Io) {
  const place = await placeOf(manager);
  const diff = diffLines(place.text ?? "", wanted);
  const { standing } = place;
  const needsForce = standing.is === "foreign" || standing.is === "edited";
  if (json) {
    const { kind, scope, file } = manager;
    io.out(
      JSON.stringify({ ok: true, dryRun: true, kind, scope, file, needsForce, diff, warnings }),
    );
    return 0;
  }
  io.out(diff.length === 0 ? `${manager.file} is like that already` : `${manager.file}:`);
  for (const line of diff) io.out(line);
  if (needsForce) io.err(`warning: what is there is ${standing.is}: it takes --force`);
  for (const warning of warnings) io.err(`warning: ${warning}`);
  return 0;
}

function tellInstalled(
  { result, pid, warnings }: ServiceInstalled,
  plan: ServicePlan,
  io: Io,
): void {
  const { manager, definition, view } = plan;
  io.out(
    result === "unchanged" ? `${manager.name} is like that already` : `${result}: ${manager.file}`,
  );
  io.out(`running: pid ${pid}, port ${view.port}, state ${definition.stateDir}`);
  io.out(`variables: ${definition.envFile}`);
  if (manager.scope === "system") {
    io.out(`for other commands: export OPENCLAW_STATE_DIR=${definition.stateDir}`);
  }
  io.out(`look at it: sallyport gateway status, ${manager.hints.logs}`);
  for (const warning of warnings) io.err(`warning: ${warning}`);
}

/** Takes the service away; config and state stay. */
export async function gatewayUninstall(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseFlags(args, { system: flag, force: flag, json: flag });
  const machine = machineOf(io);
  const found = values.system === true ? undefined : await findService(machine);
  const scope = values.system === true ? "system" : (found?.manager.scope ?? "user");
  const manager = managerOf(machine, scope);
  const { standing } = await placeOf(manager);
  const isGone = standing.is === "absent" || (await uninstall(manager, values.force === true));
  const removed = isGone && standing.is !== "absent";
  const { file, name } = manager;
  if (values.json === true) io.out(JSON.stringify({ ok: true, removed, name, file }));
  else io.out(removed ? `removed: ${file}; config and state stay` : "no service is installed");
  return 0;
}
