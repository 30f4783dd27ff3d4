/**
 * For a standby with a state of its own: it leads when the edge gives it work, which the edge does
 * while it has no other leader. Nothing else can tell it, since it shares no lock with anybody.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { EdgeBundle } from "../../../shared/edge-bundle.ts";
import type { Tunnel, TunnelHandlers } from "../../tunnel/handlers.ts";
import type { Seat } from "./seat.ts";

/** The edge's word that we lead is read off this often; work itself calls on us at once. */
const LOOK_EVERY_MS = 1_000;

export interface Call {
  /** There is work for us: from now on we lead. */
  readonly answer: () => Promise<Pick<Seat, "remote">>;
  /** False when `signal` aborted before anybody called on us. */
  wait: (tunnel: Pick<Tunnel, "relays">, signal: AbortSignal) => Promise<boolean>;
}

/** @param lead - Makes the leader, and always the same one. */
export function callOnUs(lead: () => Promise<Pick<Seat, "remote">>): Call {
  const called = new AbortController();
  return {
    answer: () => {
      called.abort();
      return lead();
    },
    wait: async (tunnel, signal) => {
      const either = AbortSignal.any([called.signal, signal]);
      while (!either.aborted) {
        if (tunnel.relays.some(({ leads }) => leads)) break;
        await sleep(LOOK_EVERY_MS, undefined, { signal: either }).catch(() => undefined);
      }
      return !signal.aborted;
    },
  };
}

/** Takes what the edge sends, the first of which is what we wait for. */
export function whenCalledOn({ answer }: Call, bundle: () => EdgeBundle): TunnelHandlers {
  const remote = async (): Promise<TunnelHandlers> => (await answer()).remote;
  return {
    fetch: async (request, caller) => (await remote()).fetch(request, caller),
    upgrade: async (request, caller) => (await remote()).upgrade(request, caller),
    reattach: async (request, caller, kept) => (await remote()).reattach(request, caller, kept),
    deliver: async (delivery) => (await remote()).deliver(delivery),
    bundle,
  };
}
