import { utf8, fromUtf8 } from "./bytes.ts";
import { LIMITS } from "./limits.ts";

/** Close codes with a meaning of their own here; 4000-4999 are ours to define (RFC 6455 section 7.4.2). */
export const CloseCode = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  unsupportedData: 1003,
  policy: 1008,
  tooBig: 1009,
  internal: 1011,
  /** The core or the relay restarts: come back now, with jitter. */
  restart: 1012,
  /** Too much is waiting: come back later. */
  tryLater: 1013,
  /** A newer connection of the same core has taken over. */
  replaced: 4001,
  revoked: 4403,
  /** Another core leads. */
  notLeader: 4409,
} as const;

/**
 * A code that may be sent in a close frame. 1005, 1006 and 1015 only ever describe what happened;
 * 0 stands for "none was given" on the tunnel.
 */
export function legalCloseCode(code: number): number {
  if (code === 0 || code === 1005) return CloseCode.normal;
  const defined = code >= 1000 && code <= 1014 && code !== 1004 && code !== 1006;
  return defined || (code >= 3000 && code <= 4999) ? code : CloseCode.internal;
}

/** A reason that fits a close frame (RFC 6455 section 5.5), never cut inside a character. */
export function legalCloseReason(reason: string): string {
  const bytes = utf8(reason);
  if (bytes.byteLength <= LIMITS.maxReasonBytes) return reason;
  return fromUtf8(bytes.subarray(0, LIMITS.maxReasonBytes)).replace(/\uFFFD+$/, "");
}
