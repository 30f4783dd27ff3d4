import type { RelayName, Welcome } from "./welcome.ts";

export interface RelayPlan<Dialer> {
  readonly retire: readonly Dialer[];
  readonly dial: readonly RelayName[];
  /** All there are now, the first one first; none when the edge does not name them. */
  readonly relays: readonly RelayName[];
}

/**
 * What to do about the relays we dial, now that one of them has named them all. Pure.
 *
 * @param teller - One of `dialled`, by the name it goes by now.
 */
export function planRelays<Dialer extends { readonly name: string | undefined }>(
  dialled: readonly Dialer[],
  teller: Dialer,
  welcome: Pick<Welcome, "relay" | "relays">,
): RelayPlan<Dialer> {
  // One that does not know its own name is the only one.
  const relays = welcome.relay === undefined ? [] : welcome.relays;
  if (relays.length === 0) {
    return { retire: dialled.filter((one) => one !== teller), dial: [], relays };
  }
  const names = new Set<string | undefined>(relays.map(({ name }) => name));
  // Two connections of ours to one relay would throw each other out: the newest stays.
  const isTwin = (one: Dialer): boolean => one !== teller && one.name === teller.name;
  const retire = dialled.filter((one) => isTwin(one) || !names.has(one.name));
  const known = new Set(dialled.map(({ name }) => name));
  return { retire, dial: relays.filter(({ name }) => !known.has(name)), relays };
}
