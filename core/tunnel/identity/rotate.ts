import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { RelayDialer } from "../relay/dialer.ts";
import type { RelayAnswer } from "../handlers.ts";
import type { Identity } from "./identity.ts";

/** A relay that has not let us in with the new key by then will not. */
const RECONNECT_MS = 30_000;
const Problem = z.object({ detail: z.string().max(300) });

export interface Rotation {
  readonly old: string;
  readonly current: string;
}

/**
 * A new key for this core, without a moment in which the edge knows neither: it is told the new one
 * with the old, we dial with the new, and only then is the old one forgotten. What an earlier call
 * has left undone is done first, and instead.
 *
 * @throws GatewayError that names the relay which did not play along; nothing is lost then.
 */
export async function rotateKey(
  identity: Identity,
  dialers: readonly RelayDialer[],
): Promise<Rotation> {
  const away = dialers.find(({ connected }) => !connected);
  if (away !== undefined) {
    const { name } = away.state;
    throw new GatewayError("core_lost", `Relay ${name} is not connected: try again later`);
  }
  const finished = await finish(identity, dialers);
  if (finished !== undefined) return finished;
  const { publicKey } = await identity.next();
  for (const dialer of dialers) {
    const answer = await dialer.ask("PUT", "/keys", { publicKey });
    if (answer.status !== 204) throw refused(dialer, "does not take the new key", answer);
  }
  const old = identity.key.kid;
  await identity.promoteNext();
  await finish(identity, dialers);
  return { old, current: identity.key.kid };
}

/** @returns undefined when no relay knew the former key any more, or there is none. */
async function finish(
  identity: Identity,
  dialers: readonly RelayDialer[],
): Promise<Rotation | undefined> {
  const old = identity.former;
  if (old === undefined) return undefined;
  // One after the other: meanwhile the rest carries the work.
  for (const dialer of dialers) {
    await dialer.redial();
    await within(dialer.opened(), `Relay ${dialer.state.name} does not let the new key in`);
  }
  let known = false;
  for (const dialer of dialers) {
    const answer = await dialer.ask("DELETE", `/keys/${old}`, undefined);
    if (answer.status === 204) known = true;
    else if (answer.status !== 404) throw refused(dialer, "does not forget the old key", answer);
  }
  await identity.forgetFormer();
  return known ? { old, current: identity.key.kid } : undefined;
}

async function within(work: Promise<void>, otherwise: string): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new GatewayError("core_lost", otherwise)), RECONNECT_MS);
  try {
    await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

function refused(dialer: RelayDialer, what: string, { status, body }: RelayAnswer): GatewayError {
  const { data } = Problem.safeParse(body);
  const why = data === undefined ? String(status) : data.detail;
  return new GatewayError("conflict", `Relay ${dialer.state.name} ${what}: ${why}`);
}
