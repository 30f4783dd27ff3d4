/** What there is of services on this machine. Changes nothing. */
import { access, lstat, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { readVersionOf } from "../gateway/version.ts";
import type { Definition } from "./definition.ts";
import { placeOf } from "./install.ts";
import type { ServiceManager, ServiceState } from "./manager.ts";
import { type Machine, managerOf, type Scope, textFor } from "./managers.ts";
import { unitFile } from "./systemd.ts";

/** A service that this program has installed. */
export interface Found {
  readonly manager: ServiceManager;
  readonly definition: Definition;
  /** Somebody has changed it since. */
  readonly isEdited: boolean;
  /** This version would write something else. */
  readonly isOutdated: boolean;
}

/** What was found, as it is now. */
export interface Looked extends Found {
  readonly state: ServiceState;
  /** Of its files, those that are gone. */
  readonly gone: readonly string[];
  /** Of the program it starts; undefined when that cannot be told. */
  readonly version: string | undefined;
}

/** The service of the user, or else that of the system; undefined: we have installed none. */
export async function findService(machine: Machine): Promise<Found | undefined> {
  const scopes: readonly Scope[] = machine.platform === "darwin" ? ["user"] : ["user", "system"];
  if (machine.platform === "win32") return undefined;
  if (machine.platform === "darwin" && machine.uid === undefined) return undefined;
  for (const scope of scopes) {
    const manager = managerOf(machine, scope);
    // Of what we may not read we know nothing.
    const place = await placeOf(manager).catch(() => undefined);
    const standing = place?.standing;
    if (standing?.is !== "ours" && standing?.is !== "edited") continue;
    const { definition } = standing;
    return {
      manager,
      definition,
      isEdited: standing.is === "edited",
      isOutdated: textFor(manager, definition, machine.home) !== place?.text,
    };
  }
  return undefined;
}

export async function lookAt(found: Found): Promise<Looked> {
  const { manager, definition } = found;
  const { node, entry } = definition;
  const [state, gone] = await Promise.all([manager.state(), missingOf([node, entry])]);
  return { ...found, state, gone, version: readVersionOf(dirname(dirname(entry))) };
}

async function missingOf(files: readonly string[]): Promise<string[]> {
  const isThere = await Promise.all(
    files.map((file) =>
      access(file).then(
        () => true,
        () => false,
      ),
    ),
  );
  return files.filter((_file, index) => isThere[index] === false);
}

/** What an installation would put right, one clause each. Pure. */
export function issuesOf(
  {
    gone,
    isEdited,
    isOutdated,
    definition,
  }: Pick<Looked, "gone" | "isEdited" | "isOutdated" | "definition">,
  stopSec: number,
): string[] {
  return [
    ...gone.map((file) => `${file} is gone`),
    ...(isEdited ? ["it was edited by hand"] : []),
    ...(isOutdated && !isEdited ? ["this version would write it otherwise"] : []),
    ...(definition.stopSec < stopSec
      ? [`it is killed after ${definition.stopSec} s, and may need ${stopSec}`]
      : []),
  ];
}

/** A unit of systemd that starts a gateway by itself. */
export interface OtherUnit {
  readonly file: string;
  readonly port: number;
}

/** The port of the contract: what a unit has that says nothing else. */
const USUAL_PORT = 18_789;
const OTHERS = ["openclaw-gateway.service", "sallyport-gateway.service"];

/** Units of gateways that start on their own, but for the one that was found. */
export async function otherUnits(
  home: string,
  found: Pick<Found, "manager"> | undefined,
): Promise<OtherUnit[]> {
  const folders = [unitFile(home), unitFile(undefined)].map(dirname);
  const files = folders
    .flatMap((folder) => OTHERS.map((name) => join(folder, name)))
    .filter((file) => file !== found?.manager.file);
  const units = await Promise.all(files.map(startingUnit));
  return units.flat();
}

async function startingUnit(file: string): Promise<OtherUnit[]> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return [];
  const wanted = ["default.target.wants", "multi-user.target.wants"].map((folder) =>
    lstat(join(dirname(file), folder, basename(file))).then(
      () => true,
      () => false,
    ),
  );
  const starts = (await Promise.all(wanted)).includes(true);
  return starts ? [{ file, port: portIn(text) }] : [];
}

/** Pure. */
export function portIn(unit: string): number {
  const named =
    /^ExecStart=.*\s--port[=\s]+"?(?<port>\d{1,5})\b/m.exec(unit) ??
    /^Environment="?OPENCLAW_GATEWAY_PORT=(?<port>\d{1,5})\b/m.exec(unit);
  return Number(named?.groups?.["port"] ?? USUAL_PORT);
}
