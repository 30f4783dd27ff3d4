import type { Arrival, Doorkeeper } from "./arrival.ts";

export interface Policy {
  readonly isOn: boolean;
  /** Of a session that is not used. */
  readonly lifetimeMs: number;
}

/** A working day and its evening: whoever comes back tomorrow signs in again. */
const LIFETIME_S = 12 * 3_600;

/**
 * Whether browsers may sign in. The word of whoever deployed the edge counts, if there is one;
 * then that of the core; and without either they may not, as with a gateway that only programs use.
 */
export function policyOf({ settings, verifiers }: Doorkeeper): Policy {
  const { login } = verifiers;
  return {
    isOn: settings.login ?? login?.enabled ?? false,
    lifetimeMs: (login?.maxAgeSeconds ?? LIFETIME_S) * 1_000,
  };
}

/** The same, for an isolate that may not have heard of the core's wish yet. */
export async function freshPolicy({ isolate, keepAlive, now }: Arrival): Promise<Policy> {
  const known = policyOf(isolate);
  if (known.isOn || isolate.settings.login === false) return known;
  await isolate.verifiers.missed("client", keepAlive, now);
  return policyOf(isolate);
}
