import type { RelayState } from "./handlers.ts";

/** What does not stop a tunnel with these relays but should be known, one sentence each. Pure. */
export function warningsOf(relays: readonly RelayState[]): string[] {
  const connected = relays.filter((relay) => relay.connected);
  // Nothing works then; that is more than a warning.
  if (connected.length === 0) return [];
  const warnings: string[] = [];
  for (const { name, lastError, draining } of relays) {
    if (!draining && lastError !== undefined) {
      warnings.push(`Relay ${name}: ${lastError}`);
    }
  }
  for (const [region, names] of regionsOf(connected)) {
    if (names.length > 1) {
      warnings.push(
        `Relays ${names.join(" and ")} are in one place (${region}): what takes one takes both. Give one another region`,
      );
    }
  }
  return warnings;
}

/** Where a relay was asked to be made. Where it really is, no relay can tell without a call. */
function regionsOf(relays: readonly RelayState[]): Map<string, string[]> {
  const regions = new Map<string, string[]>();
  for (const { name, draining } of relays) {
    const [region = ""] = name.split(":");
    if (!draining) regions.set(region, [...(regions.get(region) ?? []), name]);
  }
  return regions;
}
