/**
 * What one edge knows of the bundle and another does not. A bundle is read strictly, so that an edge
 * of a version before would refuse all of one that has a key more: the edge says in WELCOME which of
 * the later keys it knows, and the core leaves the others out. Pure.
 */
import type { EdgeBundle } from "./edge-bundle.ts";

/** Keys an edge can do without. */
type OptionalKey = {
  [Key in keyof EdgeBundle]-?: undefined extends EdgeBundle[Key] ? Key : never;
}[keyof EdgeBundle];

/**
 * Keys that have come since edges say what they know. A new key of the bundle is added here, and
 * stays: an edge that says nothing knows none of them.
 */
const LATER = [
  { key: "setupCodes", name: "setup codes" },
  { key: "hooksPath", name: "hooks.path" },
] as const satisfies readonly { readonly key: OptionalKey; readonly name: string }[];

/** A key that not every edge takes. */
export type LaterKey = (typeof LATER)[number]["key"];

/** Words of `:features` in WELCOME, for an edge of this version. */
export const BUNDLE_FEATURES: readonly string[] = LATER.map(({ key }) => featureOf(key));

/**
 * The bundle as an edge with these features takes it.
 *
 * @returns Also what such an edge cannot do of what the bundle says, for people.
 */
export function bundleFor(
  bundle: EdgeBundle,
  features: ReadonlySet<string>,
): { readonly bundle: EdgeBundle; readonly leftOut: readonly string[] } {
  const unknown = LATER.filter(({ key }) => !takesKey(features, key));
  if (unknown.length === 0) return { bundle, leftOut: [] };
  const known = { ...bundle };
  for (const { key } of unknown) delete known[key];
  const lost = unknown.filter(({ key }) => bundle[key] !== undefined);
  return { bundle: known, leftOut: lost.map(({ name }) => name) };
}

/** Whether an edge with these features takes this key of the bundle. */
export function takesKey(features: ReadonlySet<string>, key: LaterKey): boolean {
  return features.has(featureOf(key));
}

function featureOf(key: LaterKey): string {
  return `bundle.${key}`;
}
