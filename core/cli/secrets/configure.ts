import { writeFile } from "node:fs/promises";
import { parseEnv } from "node:util";
import { GatewayError } from "../../../shared/errors.ts";
import { configErrorText } from "../../config/issues/error.ts";
import { readSmallFile } from "../../config/file/files.ts";
import { readSources } from "../../config/file/load.ts";
import { resolvePaths } from "../../config/paths.ts";
import { type Planned, planFor } from "../../config/secrets/plan.ts";
import { SecretStore } from "../../config/secrets/store.ts";
import { valueAt } from "../../config/tree.ts";
import { envNames } from "../../config/write/env-file.ts";
import { whyReadOnly } from "../../config/write/read-only.ts";
import { type Io, parseFlags } from "../command.ts";
import { atMost, pathOf } from "../config/said.ts";
import { carriedOut, tellApplied } from "./apply.ts";
import { isAskable, isSure, MAX_PLAN_BYTES } from "./input.ts";

const OPTIONS = {
  to: { type: "string" },
  path: { type: "string", multiple: true },
  "plan-out": { type: "string" },
  "dry-run": { type: "boolean" },
  apply: { type: "boolean" },
  yes: { type: "boolean" },
  json: { type: "boolean" },
} as const;

/** What somebody wants. */
interface Order {
  readonly to: "store" | "env";
  readonly paths: readonly string[] | undefined;
  readonly planOut: string | undefined;
  /** `ask`: when there is somebody. */
  readonly write: "never" | "ask" | "always";
  /** True: it is a fault when nothing can be written. */
  readonly mustWrite: boolean;
  readonly json: boolean;
}

/** `secrets configure` */
export async function configure(args: readonly string[], io: Io): Promise<number> {
  const order = orderOf(args);
  const readOnly = whyReadOnly(io.env);
  if (readOnly !== undefined) throw new GatewayError("forbidden", readOnly);
  const { plan, left } = await planned(order, io);
  // Whatever would be in its way is found before anybody is asked.
  const preflight = await carriedOut(plan, { dryRun: true, allowExec: false }, io);
  if (order.planOut !== undefined) await keepPlan(order.planOut, plan);
  if (!order.json) tellPlan({ plan, left }, io);
  const count = plan.targets.length;
  const may = await mayWrite(count, order, io);
  const done = may ? await carriedOut(plan, { dryRun: false, allowExec: false }, io) : undefined;
  if (order.json) {
    io.out(JSON.stringify({ plan, left, preflight, applied: done ?? null }, null, 2));
  } else if (done !== undefined) tellApplied(done, io);
  else if (count > 0) io.out("Nothing was written. --apply --yes does it without a question.");
  return done === undefined && order.mustWrite && count > 0 ? 1 : 0;
}

/** @throws GatewayError invalid_request */
function orderOf(args: readonly string[]): Order {
  const { values, positionals } = parseFlags(args, OPTIONS);
  atMost(positionals, 0);
  const { to = "store", apply = false, yes = false, json = false } = values;
  if (to !== "store" && to !== "env") {
    throw new GatewayError("invalid_request", "--to is store or env");
  }
  const isDry = values["dry-run"] === true;
  if (isDry && apply) {
    throw new GatewayError("invalid_request", "--apply and --dry-run say opposite things");
  }
  const write = isDry ? "never" : apply && yes ? "always" : "ask";
  const { path: paths, "plan-out": planOut } = values;
  return { to, paths, planOut, write, mustWrite: apply, json };
}

/** Answers of programs have no room for a question. */
async function mayWrite(count: number, { write, json }: Order, io: Io): Promise<boolean> {
  if (count === 0 || write === "never") return false;
  if (write === "always") return true;
  if (json || !isAskable(io)) return false;
  return isSure(`Move ${count} secrets? There is no way back but to write them again.`, io);
}

async function planned({ to, paths }: Order, io: Io): Promise<Planned> {
  const { stateDir, envFiles } = resolvePaths(io);
  const sources = await readSources(io, readSmallFile);
  if (!sources.ok) throw new GatewayError("invalid_request", configErrorText(sources.error));
  const tree = sources.value.composed.value;
  const kept = await new SecretStore(stateDir, io.uid).values();
  if (!kept.ok) throw new GatewayError("forbidden", `the store cannot be read: ${kept.error}`);
  const local = await readSmallFile(envFiles.cwd);
  const given = { ...parseEnv((local.ok ? local.value : undefined) ?? ""), ...io.env };
  const variables = await envNames(envFiles.state);
  const provider = valueAt(tree, ["secrets", "defaults", to]);
  return planFor({
    tree,
    variables,
    to,
    provider: typeof provider === "string" ? provider : "default",
    only: paths === undefined ? undefined : new Set(paths.map((text) => pathOf(text).join("."))),
    isFree(name, value) {
      if (to === "store") return (kept.value.get(name)?.reveal() ?? value) === value;
      const own = given[name] ?? "";
      return (own === "" || own === value) && (variables.get(name) ?? value) === value;
    },
  });
}

/** @throws GatewayError invalid_request */
async function keepPlan(file: string, plan: Planned["plan"]): Promise<void> {
  const text = `${JSON.stringify(plan, null, 2)}\n`;
  if (Buffer.byteLength(text) > MAX_PLAN_BYTES) {
    throw new GatewayError("invalid_request", `the plan has more than ${MAX_PLAN_BYTES} bytes`);
  }
  await writeFile(file, text, { mode: 0o600 }).catch((cause: unknown) => {
    throw new GatewayError("invalid_request", `${file} cannot be written`, { cause });
  });
}

function tellPlan({ plan, left }: Planned, io: Io): void {
  if (plan.targets.length === 0) io.out("No secret stands where it should not.");
  for (const { path, ref } of plan.targets) io.out(`${path} -> ${ref.source}:${ref.id}`);
  for (const { path, why } of left) io.out(`${path} stays: ${why}`);
}
