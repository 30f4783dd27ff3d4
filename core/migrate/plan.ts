import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { GatewayError } from "../../shared/errors.ts";
import { jsonOrUndefined } from "../../shared/json.ts";
import { resolvePaths, type Surroundings } from "../config/paths.ts";
import { openSqliteStore } from "../store/sqlite/open.ts";
import type { Store } from "../store/store.ts";
import { configPlan } from "./config.ts";
import type { Copies } from "./copy.ts";
import { databaseJobs, fileJobs, jobStep } from "./jobs.ts";
import { keyPlan } from "./keys.ts";
import { databaseDevices, deviceStep, fileDevices } from "./paired.ts";
import { databaseSessions, fileSessions, type SourceSession } from "./read-sessions.ts";
import { sessionStep } from "./sessions.ts";
import type { Source } from "./source.ts";
import { type Part, reasonOf, type Step } from "./step.ts";
import { variableSteps } from "./variables.ts";
import { workspaceSteps } from "./workspace.ts";

const STORE_FILE = "sallyport.sqlite";

export interface PlanOrder {
  readonly source: Source;
  /** Of ours. */
  readonly surroundings: Surroundings;
  readonly copies: Copies;
  /** Unix ms. */
  readonly now: () => number;
  /** IANA name. */
  readonly hostZone: string;
}

/** What there is, and what of it is to be brought over; one by one, as it is found. */
export async function* planSteps(order: PlanOrder, store: Store): AsyncGenerator<Step> {
  const { source, surroundings, copies } = order;
  const { configPath, stateDir, envFiles } = resolvePaths(surroundings);
  const shared = source.database === undefined ? undefined : await opened(copies, source.database);
  const own = new Map<string, DatabaseSync>();
  const faults: Step[] = [];
  for (const { id, database } of source.agents) {
    if (database === undefined) continue;
    const db = await opened(copies, database);
    if (db instanceof GatewayError) faults.push(unreadable("sessions", database, db));
    else own.set(id, db);
  }
  if (shared instanceof GatewayError)
    faults.push(unreadable("cron", source.database ?? "", shared));
  const state = shared instanceof GatewayError ? undefined : shared;
  const databases = [...(state === undefined ? [] : [state]), ...own.values()];
  const keys = await keyPlan(source, databases, envFiles.state);
  const config = await configPlan({
    source,
    surroundings,
    configPath,
    stateDir,
    references: keys.references,
  });
  yield* faults;
  // What the config refers to is there before it.
  if (source.envFile !== envFiles.state) {
    yield* await variableSteps(source.envFile, envFiles.state);
  }
  yield* keys.steps;
  yield* config.steps;
  for (const name of await workspacesOf(source, config.workspaces)) {
    yield* await workspaceSteps({ from: join(source.dir, name), to: join(stateDir, name) });
  }
  yield* sessionSteps(order, store, own);
  yield* await jobSteps(order, store, state);
  yield* await deviceSteps(source, store, state);
}

async function opened(copies: Copies, file: string): Promise<DatabaseSync | GatewayError> {
  try {
    return await copies.open(file);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
}

function unreadable(part: Part, name: string, { message }: GatewayError): Step {
  return { part, name, verdict: "left", note: message };
}

/** Those that lie beside the config, and those that it names. */
async function workspacesOf(source: Source, named: readonly string[]): Promise<string[]> {
  const entries = await readdir(source.dir, { withFileTypes: true }).catch(() => []);
  const usual = entries
    .filter((entry) => entry.isDirectory() && /^workspace(?:-[\w-]+)?$/.test(entry.name))
    .map(({ name }) => name);
  const all = [...new Set([...usual, ...named])];
  // One within another comes with it.
  return all.filter((name) => !all.some((other) => name.startsWith(`${other}/`)));
}

async function* sessionSteps(
  { source, now }: PlanOrder,
  store: Store,
  own: ReadonlyMap<string, DatabaseSync>,
): AsyncGenerator<Step> {
  for (const agent of source.agents) {
    const db = own.get(agent.id);
    const found = await listed("sessions", agent.id, async () =>
      db === undefined ? fileSessions(agent) : databaseSessions(db, agent.id),
    );
    if ("verdict" in found) yield found;
    else for (const session of found) yield await sessionStep(session, store, now());
  }
}

async function listed(
  part: Part,
  name: string,
  list: () => Promise<readonly SourceSession[]>,
): Promise<readonly SourceSession[] | Step> {
  try {
    return await list();
  } catch (error) {
    return { part, name, verdict: "left", note: reasonOf(error) };
  }
}

async function jobSteps(
  { source, hostZone, now }: PlanOrder,
  store: Store,
  db: DatabaseSync | undefined,
): Promise<Step[]> {
  try {
    const jobs = db === undefined ? fileJobs(await documentAt(source.cronFile)) : databaseJobs(db);
    const there = new Set((await store.cron.load()).jobs.map(({ id }) => id));
    return jobs.map((job) => jobStep(job, there, { cron: store.cron, hostZone, now: now() }));
  } catch (error) {
    if (error instanceof GatewayError) return [unreadable("cron", source.dir, error)];
    throw error;
  }
}

async function deviceSteps(
  source: Source,
  store: Store,
  db: DatabaseSync | undefined,
): Promise<Step[]> {
  try {
    const found =
      db === undefined ? fileDevices(await documentAt(source.devicesFile)) : databaseDevices(db);
    const there = new Set((await store.devices.devices()).map(({ deviceId }) => deviceId));
    return found.map((device) => deviceStep(device, there, store.devices));
  } catch (error) {
    if (error instanceof GatewayError) return [unreadable("devices", source.dir, error)];
    throw error;
  }
}

async function documentAt(file: string): Promise<unknown> {
  return jsonOrUndefined(await readFile(file, "utf8").catch(() => ""));
}

/** Our state, to be looked at: a copy of it, so that nothing is made and no lock is taken. */
export async function lookAtStore(
  stateDir: string,
  copies: Copies,
  now: () => number,
): Promise<Store> {
  const file = join(stateDir, STORE_FILE);
  const folder = await copies.folderWith(file);
  return openSqliteStore({ stateDir: folder, now });
}

/** @throws GatewayError conflict while a gateway runs on it. */
export async function openStore(stateDir: string, now: () => number): Promise<Store> {
  return openSqliteStore({ stateDir, now });
}
