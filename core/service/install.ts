import { chmod, lstat, mkdir, readFile, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { GatewayError } from "../../shared/errors.ts";
import { isForeign, replaceFile } from "../config/write/replace.ts";
import { awaitHealth, type Awaited } from "./health.ts";
import type { ServiceManager, ServiceState } from "./manager.ts";
import { type Standing, standingOf } from "./seal.ts";

/** Managers read it with rights of their own, and nothing secret is in it. */
const UNIT_MODE = 0o644;

const ENV_TEMPLATE = `# Variables for the gateway as a service, NAME=value, one a line: a proxy, credentials of a cloud.
# Keys of models and channels are better off in .env beside this file: those are read without a restart.
`;

/** One service, and how to tell whether it does well. */
export interface Order extends Pick<Awaited, "manager" | "whyNotWell" | "timeoutMs"> {
  /** Of the unit or plist. */
  readonly text: string;
  readonly envFile: string;
  readonly stateDir: string;
  /** Also in place of what is not ours, or was edited. */
  readonly force: boolean;
}

export interface Installed {
  /** `unchanged`: it was there like this, and runs. */
  readonly result: "installed" | "updated" | "unchanged";
  readonly pid: number;
}

/** What stands in the place of a service. */
export interface Place {
  readonly text: string | undefined;
  /** Where it leads to, when it is a link. */
  readonly link?: string | undefined;
  readonly standing: Standing;
}

/** A link is a unit that is masked, or one that is kept elsewhere. @throws GatewayError forbidden */
export async function placeOf({ file }: Pick<ServiceManager, "file">): Promise<Place> {
  if (await isForeign(file)) {
    const link = await readlink(file).catch(() => undefined);
    return { text: undefined, link, standing: { is: "foreign" } };
  }
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new GatewayError("forbidden", `${file} cannot be read`, { cause: error });
  });
  return { text, standing: standingOf(text) };
}

/** @throws GatewayError conflict when `force` would be needed. */
export function checkPlace({ standing }: Place, { manager, stateDir, force }: Order): void {
  if (force || standing.is === "absent") return;
  const { file } = manager;
  if (standing.is === "foreign") {
    throw new GatewayError("conflict", `${file} is not ours: --force puts ours in its place`);
  }
  if (standing.is === "edited") {
    throw new GatewayError(
      "conflict",
      `${file} was edited by hand: keep the changes in a drop-in; --force writes it anew`,
    );
  }
  if (standing.definition.stateDir !== stateDir) {
    throw new GatewayError(
      "conflict",
      `the service that is installed has the state in ${standing.definition.stateDir}: ` +
        `--force gives it ${stateDir}`,
    );
  }
}

/**
 * Writes the unit, has the manager take it, starts it and waits until the gateway is well. When it
 * is not, everything becomes as it was before.
 *
 * @throws GatewayError conflict with the reason.
 */
export async function install(order: Order): Promise<Installed> {
  const { manager, text, envFile } = order;
  const place = await placeOf(manager);
  checkPlace(place, order);
  const before = await manager.state();
  await makeEnvFile(envFile);
  if (place.text === text && before.phase === "running" && before.enabled && !order.force) {
    const well = await awaitHealth({ ...order, notPid: undefined });
    if (well.ok) return { result: "unchanged", pid: well.value };
  }
  try {
    await put(manager.file, text);
    await manager.adopt();
    await manager.restart();
    const well = await awaitHealth({ ...order, notPid: before.pid });
    if (well.ok) {
      return { result: place.standing.is === "absent" ? "installed" : "updated", pid: well.value };
    }
    throw await failure(manager, well.error);
  } catch (error) {
    await restore(manager, place, before);
    const told = error instanceof GatewayError ? error.message : "it could not be installed";
    const now = place.standing.is === "absent" ? "nothing is installed" : "what was there is back";
    throw new GatewayError("conflict", `${told}; ${now}`, { cause: error });
  }
}

/** @returns False when there was none. @throws GatewayError conflict for one that is not ours. */
export async function uninstall(manager: ServiceManager, force: boolean): Promise<boolean> {
  const { standing } = await placeOf(manager);
  if (standing.is === "absent") return false;
  if (standing.is === "foreign" && !force) {
    throw new GatewayError("conflict", `${manager.file} is not ours: --force removes it anyway`);
  }
  await manager.release();
  await rm(manager.file, { force: true });
  await manager.forget();
  return true;
}

/** @throws GatewayError conflict with the reason and the last words of the gateway. */
export async function failure(manager: ServiceManager, why: string): Promise<GatewayError> {
  const words = await manager.lastWords();
  const said = words.length === 0 ? "" : `; it said last: ${words.slice(-3).join(" | ")}`;
  return new GatewayError("conflict", `the gateway does not come up: ${why}${said.slice(0, 900)}`);
}

async function put(file: string, text: string): Promise<void> {
  try {
    await replaceFile(file, text);
    await chmod(file, UNIT_MODE);
  } catch (cause) {
    throw new GatewayError("forbidden", `${file} cannot be written`, { cause });
  }
}

/** Best effort: the fault that led here is what a person has to know. */
async function restore(
  manager: ServiceManager,
  { text, link }: Place,
  before: ServiceState,
): Promise<void> {
  if (text === undefined) {
    await attempt(() => manager.release());
    await attempt(() => rm(manager.file, { force: true }));
    if (link !== undefined) await attempt(() => symlink(link, manager.file));
    await attempt(() => manager.forget());
    return;
  }
  if (before.phase !== "running") await attempt(() => manager.stop());
  if (!before.enabled) await attempt(() => manager.release());
  await attempt(() => put(manager.file, text));
  if (before.enabled) await attempt(() => manager.adopt());
  else await attempt(() => manager.forget());
  if (before.phase === "running") await attempt(() => manager.restart());
}

function attempt(work: () => Promise<void>): Promise<void> {
  return work().catch(() => undefined);
}

/** Before the unit that refers to it, and closed to others; what people wrote stays. */
async function makeEnvFile(file: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, ENV_TEMPLATE, { flag: "wx", mode: 0o600 });
  } catch (cause) {
    const facts = await lstat(file).catch(() => undefined);
    if (facts?.isFile() !== true) {
      throw new GatewayError("forbidden", `${file} cannot be made`, { cause });
    }
    if ((facts.mode & 0o077) !== 0) await chmod(file, 0o600);
  }
}
