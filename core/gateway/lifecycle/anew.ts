import { systemClock } from "../../channels/clock.ts";
import type { Settings } from "../../config/settings.ts";
import { dialAlike } from "./dialled.ts";
import type { House, Orders } from "./house.ts";
import type { Leader } from "./leader.ts";
import { prepare } from "./prepared.ts";
import { workText } from "./work.ts";

/** What goes on is given this long to end: whoever comes meanwhile waits, so less than for an end. */
const DRAIN_MS = 10_000;

export interface NewBeginning {
  readonly settings: Settings;
  readonly orders: Orders;
  /**
   * New work waits, up to so long, for what is under way to end; undefined: that is cut off when it
   * does not end soon.
   */
  readonly patienceMs: number | undefined;
}

/**
 * Begins anew with other settings, within the process: clients of the edge notice nothing, those of
 * our own port are sent away and may come back at once. The state stays ours all the time.
 *
 * @returns The leader after it; `later`: what is under way did not end; undefined: nobody leads here,
 *   so whoever will does so with these settings.
 * @throws GatewayError for settings it cannot run with: it runs on with those it had.
 */
export async function beginAnew(
  house: House,
  { settings, orders, patienceMs }: NewBeginning,
): Promise<Leader | "later" | undefined> {
  // Whatever can be found out before anything is given up.
  const parts = { clock: systemClock, random: Math.random, log: house.log };
  const next = { settings, prepared: await prepare(settings, parts) };
  const { leader } = house;
  if (leader === undefined || house.store === undefined) {
    await house.front?.move(house.placeOf(settings));
    house.use(next);
    return undefined;
  }
  if (patienceMs !== undefined && !(await hasEnded(house, leader, patienceMs))) return "later";
  const { log } = house;
  log.info("gateway restarting");
  if (!dialAlike(house.settings, settings)) {
    // The edge gets its answers first, those that wait among them.
    house.office.release(leader);
    await house.tunnel?.drain(DRAIN_MS);
  }
  const outSince = performance.now();
  await house.office.retire(leader, DRAIN_MS, log);
  const successor = await succeed(house, next, orders);
  const outMs = Math.round(performance.now() - outSince);
  house.office.stability.note("gateway.restarted", { outMs });
  log.info({ outMs }, "gateway restarted");
  return successor;
}

/** Makes new work wait; when what is under way does not end, it waits no longer. */
async function hasEnded(house: House, leader: Leader, patienceMs: number): Promise<boolean> {
  house.office.hold(leader);
  const { jobs } = leader.work;
  if (jobs.length > 0) {
    const waitsFor = workText(jobs, systemClock.now());
    house.log.info({ waitsFor, patienceMs }, "new work waits for a restart");
  }
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, house.signal]);
  const timer = setTimeout(() => over.abort(), patienceMs);
  while (leader.work.jobs.length > 0 && !signal.aborted) await leader.work.changed(signal);
  clearTimeout(timer);
  if (leader.work.jobs.length === 0 && !house.signal.aborted) return true;
  house.office.release(leader);
  return false;
}

/** Somebody leads again with `next`, or with what there was when that cannot be. */
async function succeed(house: House, next: House["outfit"], orders: Orders): Promise<Leader> {
  const before = house.outfit;
  house.unseat();
  house.use(next);
  try {
    await house.front?.move(house.placeOf(next.settings));
    return await takeSeat(house, before.settings, orders);
  } catch (error) {
    // One that was seated before something else failed works on the store already.
    if (house.leader !== undefined) await house.office.retire(house.leader, DRAIN_MS, house.log);
    house.use(before);
    house.unseat();
    await house.front?.move(house.placeOf(before.settings));
    const leader = await takeSeat(house, next.settings, orders);
    leader.start();
    house.log.error({ err: error }, "restart failed: the gateway runs as before");
    throw error;
  }
}

/** A new leader. The edge learns what has changed; another edge is dialled. */
async function takeSeat(house: House, before: Settings, orders: Orders): Promise<Leader> {
  const { store, settings, tunnel, office } = house;
  if (store === undefined) throw new Error("a new leader without a state");
  const leader = house.seatLeader(store, orders);
  if (dialAlike(before, settings)) {
    tunnel?.publish();
    return leader;
  }
  await tunnel?.[Symbol.asyncDispose]();
  const dialled = await house.dial(store);
  dialled?.lead(office.seat.remote, store.lease);
  return leader;
}
