import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import { type Io, parseFlags, settingsOf } from "../command.ts";
import { targetOf, TARGET_OPTIONS } from "../target.ts";
import { endProcess, runningPid } from "./signal.ts";

const Scheduled = z.object({ status: z.string() });

/** Restarts a running gateway within its process. */
export async function gatewayRestart(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseFlags(args, {
    ...TARGET_OPTIONS,
    reason: { type: "string" },
    json: { type: "boolean" },
  });
  const { askGateway } = await import("../client.ts");
  const target = await targetOf(values, io);
  const { reason } = values;
  const payload = await askGateway(target, "gateway.restart.request", { reason });
  const { status } = Scheduled.parse(payload);
  if (values.json === true) io.out(JSON.stringify(payload));
  else io.out(status === "deferred" ? "restarts once its runs have ended" : "restarts now");
  return 0;
}

/** Ends the gateway of this machine. */
export async function gatewayStop(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseFlags(args, { json: { type: "boolean" } });
  const { stateDir } = await settingsOf(io);
  const pid = await runningPid(stateDir);
  if (pid === undefined) {
    throw new GatewayError("core_offline", `no gateway of ${stateDir} runs on this machine`);
  }
  await endProcess(pid);
  if (values.json === true) io.out(JSON.stringify({ ok: true, stopped: true, pid }));
  else io.out(`stopped (pid ${pid})`);
  return 0;
}
