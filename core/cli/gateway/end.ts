import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
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

/** Restarts a running gateway within its process. */
export async function gatewayRestart(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseFlags(args, {
    ...TARGET_OPTIONS,
    reason: { type: "string" },
    force: { type: "boolean" },
    "skip-deferral": { type: "boolean" },
    safe: { type: "boolean" },
    json: { type: "boolean" },
  });
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

/** Ends the gateway of this machine. */
export async function gatewayStop(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseFlags(args, { json: { type: "boolean" } });
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
