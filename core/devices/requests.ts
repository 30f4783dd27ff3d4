/** Devices that wait for somebody's word. Pure. */
import type { PairingRequest } from "../store/device.ts";
import type { Ask, PairingReason } from "./rules.ts";

/** How long a request may be approved after its device has asked last. */
export const REQUEST_LIFE_MS = 3_600_000;
/** Far more than people pair at a time; of a flood the oldest go. */
export const MAX_REQUESTS = 64;

export interface Requests {
  /** Oldest first. */
  readonly open: readonly PairingRequest[];
  /** The one that was asked for. */
  readonly request: PairingRequest;
  /** True: nobody has been told of it yet. */
  readonly isNew: boolean;
  /** Ids of those it takes the place of, and of those there is no more room for. */
  readonly dropped: readonly string[];
}

/** Those that may still be approved at `now`, Unix ms. */
export function alive(open: readonly PairingRequest[], now: number): PairingRequest[] {
  return open.filter(({ ts }) => now - ts < REQUEST_LIFE_MS);
}

/**
 * Notes that a device asks. One that asks the same again keeps its request; one that asks for
 * something else has a new request, so that nobody approves what they have not seen.
 *
 * @param id - For a new request.
 * @param now - Unix ms.
 */
export function noted(
  open: readonly PairingRequest[],
  ask: Ask,
  { reason, isRepair }: { readonly reason: PairingReason; readonly isRepair: boolean },
  { id, now }: { readonly id: string; readonly now: number },
): Requests {
  const living = alive(open, now);
  const own = living.filter((one) => one.deviceId === ask.deviceId && one.role === ask.role);
  const same = own.find((one) => isSame(one, ask));
  const request: PairingRequest = same
    ? { ...same, ts: now }
    : {
        requestId: id,
        ...ask,
        scopes: [...ask.scopes],
        reason,
        isRepair,
        ts: now,
      };
  const others = living.filter((one) => !own.includes(one));
  const room = others.slice(Math.max(0, others.length - (MAX_REQUESTS - 1)));
  const dropped = open.filter((one) => one !== same && !room.includes(one));
  return {
    open: [...room, request],
    request,
    isNew: same === undefined,
    dropped: dropped.map(({ requestId }) => requestId),
  };
}

function isSame(one: PairingRequest, ask: Ask): boolean {
  const { size } = new Set([...one.scopes, ...ask.scopes]);
  const sameScopes = size === new Set(one.scopes).size && size === new Set(ask.scopes).size;
  return (
    one.publicKey === ask.publicKey &&
    sameScopes &&
    one.clientId === ask.clientId &&
    one.clientMode === ask.clientMode
  );
}
