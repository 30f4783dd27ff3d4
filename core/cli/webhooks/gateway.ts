import type { GatewayLine } from "../client.ts";
import { openGateway } from "../client.ts";
import type { Io } from "../command.ts";
import { nobodyAt } from "../nobody.ts";
import { targetOf, TARGET_OPTIONS } from "../target.ts";

/** Relays may have to be woken first. */
const TIMEOUT_MS = "10000";

/** What every action takes. */
export const COMMON_OPTIONS = { ...TARGET_OPTIONS, json: { type: "boolean" } } as const;

type Flags = Readonly<Record<string, string | boolean | undefined>>;

/**
 * A connection to the gateway that the flags name. It hangs up when the process is asked to end.
 *
 * @throws GatewayError core_offline when there is none.
 */
export async function lineTo(flags: Flags, io: Io): Promise<GatewayLine> {
  const target = await targetOf({ timeout: TIMEOUT_MS, ...flags }, io);
  const line = await openGateway(target, io.stop);
  if (line === undefined) throw nobodyAt(target);
  return line;
}
