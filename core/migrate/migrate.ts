import { resolve } from "node:path";
import { GatewayError } from "../../shared/errors.ts";
import { configErrorText } from "../config/issues/error.ts";
import { prepareStateDir } from "../config/file/files.ts";
import { resolvePaths, type Surroundings } from "../config/paths.ts";
import { Copies } from "./copy.ts";
import { lookAtStore, openStore, planSteps } from "./plan.ts";
import { findSource, type Source } from "./source.ts";
import { applied, type Outcome, planned } from "./step.ts";

export interface MigrateOrder {
  readonly surroundings: Surroundings;
  /** Of this process; undefined where there are no user ids. */
  readonly uid: number | undefined;
  /** Where OpenClaw's things are; undefined: where it has them unless told otherwise. */
  readonly from: string | undefined;
  /** False: only says what would be done. */
  readonly apply: boolean;
  /** True: both may have the same folder. */
  readonly inPlace: boolean;
  /** Unix ms. */
  readonly now: () => number;
  /** IANA name. */
  readonly hostZone: string;
}

export interface Migration {
  readonly source: string;
  readonly stateDir: string;
  readonly configPath: string;
  /** Both in one folder. */
  readonly isInPlace: boolean;
  readonly outcomes: readonly Outcome[];
}

/**
 * Takes over what OpenClaw has, and changes nothing there. What is here already stays, so that it can
 * be repeated.
 *
 * @throws GatewayError `not_found` when nothing of it is there, `conflict` while a gateway of ours has
 *   the state, `forbidden` when both have one folder and nobody said that this is meant.
 */
export async function migrate(order: MigrateOrder): Promise<Migration> {
  const { surroundings, apply } = order;
  const { stateDir, configPath, home } = resolvePaths(surroundings);
  const dir = resolve(
    surroundings.cwd,
    (order.from ?? `${home}/.openclaw`).replace(/^~(?=$|[/\\])/, home),
  );
  const source = await findSource(dir);
  if (source === undefined) {
    throw new GatewayError(
      "not_found",
      `nothing of OpenClaw is in ${dir}: say where with --source DIR`,
    );
  }
  const isInPlace = source.dir === stateDir;
  if (apply && isInPlace && !order.inPlace) {
    throw new GatewayError(
      "forbidden",
      `${dir} is the state folder of both. To leave OpenClaw's alone: OPENCLAW_STATE_DIR=~/.sallyport sallyport migrate --from openclaw --source ${dir} --apply (and the same variable for the gateway). To go on in the same folder: stop OpenClaw for good, and repeat this with --in-place`,
    );
  }
  if (apply) await makeStateDir(stateDir, order.uid);
  await using copies = await Copies.create();
  const outcomes = await carryOut(source, order, copies, stateDir);
  return { source: dir, stateDir, configPath, isInPlace, outcomes };
}

async function makeStateDir(stateDir: string, uid: number | undefined): Promise<void> {
  const made = await prepareStateDir(stateDir, uid);
  if (!made.ok) throw new GatewayError("forbidden", configErrorText(made.error));
}

async function carryOut(
  source: Source,
  { apply, surroundings, now, hostZone }: MigrateOrder,
  copies: Copies,
  stateDir: string,
): Promise<Outcome[]> {
  await using store = apply
    ? await openStore(stateDir, now)
    : await lookAtStore(stateDir, copies, now);
  const outcomes: Outcome[] = [];
  for await (const step of planSteps({ source, surroundings, copies, now, hostZone }, store)) {
    outcomes.push(apply ? await applied(step) : planned(step));
  }
  return outcomes;
}
