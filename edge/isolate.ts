import { Access } from "./access/access.ts";
import { type Bindings, readSettings, type Settings } from "./env.ts";
import { GatewayError } from "../shared/errors.ts";
import { errorFacts, logLine } from "./log.ts";
import type { Member } from "./relays/member.ts";
import { Published } from "./relays/published.ts";
import { Relays } from "./relays/relays.ts";
import { type Learned, Verifiers } from "./verifiers.ts";

/** What lives as long as the isolate, and so longer than a request. */
export interface Isolate {
  readonly settings: Settings;
  readonly relays: Relays;
  readonly verifiers: Verifiers;
  readonly access: Access;
  readonly clientRate: RateLimit | undefined;
  readonly failureRate: RateLimit | undefined;
}

const isolates = new WeakMap<Bindings, Isolate>();

/** The platform gives every request of an isolate the same `bindings`. @throws Error on bad settings. */
export function isolateOf(bindings: Bindings): Isolate {
  const known = isolates.get(bindings);
  if (known !== undefined) return known;
  const made = createIsolate(bindings);
  isolates.set(bindings, made);
  return made;
}

function createIsolate(bindings: Bindings): Isolate {
  const settings = readSettings(bindings);
  const relays = new Relays(bindings.RELAY, settings);
  return {
    settings,
    relays,
    verifiers: new Verifiers(() => learn(relays)),
    access: new Access(settings, (url, init) => fetch(url, init)),
    clientRate: bindings.CLIENT_RATE,
    failureRate: bindings.FAILURE_RATE,
  };
}

/**
 * What the primary knows. One that knows nothing may have been made a moment ago, to take the place
 * of another: then that one's word, or a standby's, is good.
 *
 * @throws GatewayError `core_offline` when no relay answers as agreed.
 */
async function learn(relays: Relays): Promise<Learned> {
  const learned = await relays.askEach(
    askBundle,
    ({ published: { version, keys } }) => version > 0 || keys.length > 0,
  );
  if (learned !== undefined) return learned;
  throw new GatewayError("core_offline", "The relay cannot be reached");
}

async function askBundle(relay: Member, deadlineMs: number): Promise<Learned | undefined> {
  const answer = await relay.ask({ v: 1, kind: "bundle" }, deadlineMs);
  if (answer === undefined) return undefined;
  try {
    return { relay: relay.name, published: Published.parse(await answer.json()) };
  } catch (error) {
    logLine("error", { event: "bundle_unreadable", relay: relay.name, ...errorFacts(error) });
    return undefined;
  }
}
