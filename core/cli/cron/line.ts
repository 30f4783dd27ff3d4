import { GatewayError } from "../../../shared/errors.ts";
import { type GatewayLine, openGateway } from "../client.ts";
import type { Io } from "../command.ts";
import { nobodyAt } from "../nobody.ts";
import { targetOf, TARGET_OPTIONS } from "../target.ts";

/** What every action takes. */
export const COMMON_OPTIONS = { ...TARGET_OPTIONS, json: { type: "boolean" } } as const;

type Flags = Readonly<Record<string, string | boolean | undefined>>;

/**
 * A connection to the gateway that the flags name. It hangs up when the process is asked to end.
 *
 * @throws GatewayError core_offline when there is none.
 */
export async function lineTo(flags: Flags, io: Io): Promise<GatewayLine> {
  const target = await targetOf(flags, io);
  const line = await openGateway(target, io.stop);
  if (line === undefined) throw nobodyAt(target);
  return line;
}

/** The one id that an action is about. */
export function idOf(positionals: readonly string[], action: string): string {
  const [id, ...others] = positionals;
  if (id === undefined || others.length > 0) {
    throw new GatewayError(
      "invalid_request",
      `${action} takes the id or the name of one job; try --help`,
    );
  }
  return id;
}
