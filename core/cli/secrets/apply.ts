import { type Applied, applyPlan } from "../../config/secrets/apply.ts";
import { SecretPlan } from "../../config/secrets/plan.ts";
import { GatewayError } from "../../../shared/errors.ts";
import { type Io, parseFlags } from "../command.ts";
import { atMost } from "../config/said.ts";
import { MAX_PLAN_BYTES, textOfFile } from "./input.ts";

/** `secrets apply` */
export async function apply(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(args, {
    from: { type: "string" },
    "dry-run": { type: "boolean" },
    "allow-exec": { type: "boolean" },
    json: { type: "boolean" },
  });
  atMost(positionals, 0);
  if (values.from === undefined) {
    throw new GatewayError("invalid_request", "name the plan with --from FILE");
  }
  const plan = planIn(await textOfFile(values.from, MAX_PLAN_BYTES), values.from);
  const dryRun = values["dry-run"] === true;
  const done = await carriedOut(plan, { dryRun, allowExec: values["allow-exec"] === true }, io);
  if (values.json === true) io.out(JSON.stringify({ ok: true, ...done }, null, 2));
  else tellApplied(done, io);
  return 0;
}

/** @throws GatewayError that says why nothing was changed. */
export function carriedOut(
  plan: SecretPlan,
  how: { readonly dryRun: boolean; readonly allowExec: boolean },
  { env, cwd, home, uid }: Io,
): Promise<Applied> {
  const now = Date.now();
  return applyPlan({ env, cwd, home, uid, plan, ...how, now, updatedBy: "cli" });
}

export function tellApplied(
  { mode, changed, changedFiles, warnings, skippedExecRefs, removedBackups }: Applied,
  io: Io,
): void {
  for (const warning of warnings) io.err(`warning: ${warning}`);
  if (skippedExecRefs > 0) {
    io.out(
      `${skippedExecRefs} references to programs were not looked at: --allow-exec starts them`,
    );
  }
  if (!changed) io.out("Nothing to change.");
  else if (mode === "dry-run")
    io.out(`Nothing was written. It would change ${changedFiles.join(", ")}.`);
  else io.out(`Changed ${changedFiles.join(", ")}.`);
  if (removedBackups.length > 0) {
    io.out(`Removed, for they held these secrets: ${removedBackups.join(", ")}`);
  }
}

/** @throws GatewayError invalid_request */
function planIn(text: string, file: string): SecretPlan {
  const parsed = SecretPlan.safeParse(jsonIn(text, file));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.join(".") ?? "";
  throw new GatewayError("invalid_request", `${file} is no plan: ${where} ${issue?.message ?? ""}`);
}

function jsonIn(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Without what the parser says: it quotes the text.
    throw new GatewayError("invalid_request", `${file} is not JSON`);
  }
}
