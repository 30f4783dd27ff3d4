/**
 * The owner's own session, where `session.dmScope: "main"` has put the words of others. Its turns
 * have the owner's tools, and a model cannot tell whose words it is moved by.
 */
import type { Logger } from "pino";
import { GatewayError } from "../../shared/errors.ts";
import type { Pairing } from "../channels/pairing.ts";
import { writersOf } from "../channels/writers.ts";
import type { Settings } from "../config/settings.ts";

/** Those that write into it. */
export interface Sharers {
  readonly channel: string;
  readonly people: number | "everybody";
}

/** What to do about it. */
export const KEEP_APART =
  'set session.dmScope to "per-channel-peer", or take it out: then others than the owner have sessions of their own';

/**
 * Undefined: nobody shares it. Without `session.dmScope` others are kept apart anyway.
 *
 * @param paired - Senders that the owner approved on the channel.
 */
export function sharersOf(
  { config, telegram }: Pick<Settings, "config" | "telegram">,
  paired: readonly string[],
): Sharers | undefined {
  if (config.session.dmScope !== "main" || telegram === undefined) return undefined;
  const people = writersOf("telegram", telegram, paired);
  return people === "everybody" || people > 1 ? { channel: "telegram", people } : undefined;
}

/** One line in the log for an owner who shares their session. Never rejects. */
export async function warnOfSharers(
  settings: Pick<Settings, "config" | "telegram">,
  pairing: Pick<Pairing, "approved">,
  log: Logger,
): Promise<void> {
  if (settings.config.session.dmScope !== "main") return;
  try {
    const paired = await pairing.approved("telegram");
    const sharers = sharersOf(
      settings,
      paired.map(({ sender }) => sender),
    );
    if (sharers !== undefined) {
      log.warn({ ...sharers, remedy: KEEP_APART }, "the owner's session is shared with others");
    }
  } catch (error) {
    // It is advice: whoever needs the pairings says that they cannot be read.
    if (!(error instanceof GatewayError)) log.error({ err: error }, "pairings not read");
  }
}
