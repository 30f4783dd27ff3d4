import { type Fields, fieldOf } from "../../../shared/tunnel/fields.ts";

/** Of one edge; far more than regions exist. */
const MAX_RELAYS = 16;
/** Words we know are a handful; what we do not know is not looked at. */
const MAX_FEATURES = 64;
/** `region:generation`; it becomes part of a path. */
const NAME = /^[a-z0-9-]{1,32}:[0-9]{1,9}$/;
const DRAINING = "/draining";

export interface RelayName {
  readonly name: string;
  /** It only empties its store. */
  readonly draining: boolean;
}

/** What a relay says of itself and the others. */
export interface Welcome {
  readonly edgeKey: string;
  /** Undefined from a relay that is the only one and has no name. */
  readonly relay: string | undefined;
  /** The first one first. */
  readonly relays: readonly RelayName[];
  readonly colo: string;
  /** What this edge can do that one of before could not; empty from one that does not say. */
  readonly features: ReadonlySet<string>;
}

/** Reads WELCOME, whose signature has been checked. What is no name of a relay is not one. */
export function readWelcome(fields: Fields, edgeKey: string): Welcome {
  const relay = fieldOf(fields, ":relay") ?? "";
  const colo = fieldOf(fields, ":colo") ?? "";
  const words = (fieldOf(fields, ":features") ?? "").split(" ").filter(Boolean);
  return {
    edgeKey,
    relay: NAME.test(relay) ? relay : undefined,
    relays: readRelays(fieldOf(fields, ":relays") ?? ""),
    colo: /^[A-Za-z0-9-]{1,16}$/.test(colo) ? colo : "",
    features: new Set(words.slice(0, MAX_FEATURES)),
  };
}

function readRelays(text: string): RelayName[] {
  const relays = new Map<string, RelayName>();
  for (const word of text.split(" ")) {
    const draining = word.endsWith(DRAINING);
    const name = draining ? word.slice(0, -DRAINING.length) : word;
    if (NAME.test(name) && relays.size < MAX_RELAYS) relays.set(name, { name, draining });
  }
  return [...relays.values()];
}
