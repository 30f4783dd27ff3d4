import { concat, fromHex, utf8 } from "../bytes.ts";
import { err, ok, type Result } from "../result.ts";
import { matchEd25519, secondsToMs, timeFault } from "./crypto.ts";
import type { VerificationOf } from "./route.ts";
import type { Proof, ReceivedWebhook, Refusal } from "./scheme.ts";

const SIGNATURE_HEADER = "X-Signature-Ed25519";
const TIME_HEADER = "X-Signature-Timestamp";
const SIGNATURE_BYTES = 64;
/** Discord names no limit; five minutes is what the others allow, and ids stop what is younger. */
const DEFAULT_TOLERANCE_SECONDS = 300;

type Settings = VerificationOf<"discord" | "discord-events">;

interface Signed {
  readonly signature: Uint8Array<ArrayBuffer>;
  /** As it was sent: it is part of what is signed. */
  readonly time: string;
}

/** Form and time of a signature of Discord. */
export function discordSignature(
  settings: Settings,
  headers: Headers,
  now: number,
): Result<Signed, Refusal> {
  const given = headers.get(SIGNATURE_HEADER);
  if (given === null) return err({ reason: "missing_header", header: SIGNATURE_HEADER });
  const time = headers.get(TIME_HEADER);
  if (time === null) return err({ reason: "missing_header", header: TIME_HEADER });
  const signature = fromHex(given);
  if (signature?.byteLength !== SIGNATURE_BYTES) {
    return err({ reason: "bad_format", header: SIGNATURE_HEADER });
  }
  const toleranceMs = (settings.toleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS) * 1_000;
  const fault = timeFault(secondsToMs(time), now, toleranceMs);
  return fault === undefined
    ? ok({ signature, time })
    : err({ reason: fault, header: TIME_HEADER });
}

/**
 * Ed25519 over the time and the body. Discord sends bad signatures on purpose, to see them refused.
 *
 * Source: https://docs.discord.com/developers/interactions/overview#validating-security-request-headers
 */
export async function verifyDiscord(
  settings: Settings,
  { headers, body, now }: ReceivedWebhook,
): Promise<Result<Proof, Refusal>> {
  const signed = discordSignature(settings, headers, now);
  if (!signed.ok) return signed;
  const { signature, time } = signed.value;
  const keys = settings.publicKeys.map((key) => fromHex(key) ?? new Uint8Array());
  const secret = await matchEd25519(keys, concat([utf8(time), body]), signature);
  return secret === undefined
    ? err({ reason: "mismatch", header: SIGNATURE_HEADER })
    : ok({ secret });
}
