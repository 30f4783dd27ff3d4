import { Access } from "./access/access.ts";
import type { Behind } from "./durable/outflow.ts";
import { type Bindings, readSettings, type Settings } from "./env.ts";
import { GatewayError } from "../shared/errors.ts";
import { WaitingRoom } from "./gateway/waiting-room.ts";
import { BodyBudget } from "./ingress/body.ts";
import { createJwtTool } from "./ingress/jwt.ts";
import { Refusals } from "./ingress/refusals.ts";
import { errorFacts, logLine } from "./log.ts";
import { Lockout } from "./rate/lockout.ts";
import { Unknowns } from "./rate/unknowns.ts";
import type { Member } from "./relays/member.ts";
import { readPublished } from "./relays/published.ts";
import { Relays } from "./relays/relays.ts";
import { createSealer, type Sealer } from "./seal.ts";
import type { Learned } from "./snapshot.ts";
import { Verifiers } from "./verifiers.ts";

/** What lives as long as the isolate, and so longer than a request. */
export interface Isolate {
  readonly settings: Settings;
  readonly relays: Relays;
  readonly verifiers: Verifiers;
  readonly access: Access;
  /** Bodies of webhooks that are being looked at. */
  readonly bodies: BodyBudget;
  /** Webhooks that were turned away. */
  readonly refusals: Refusals;
  /** Checks the JSON Web Tokens of webhooks. */
  readonly jwt: ReturnType<typeof createJwtTool>;
  /** Addresses that have guessed too often. */
  readonly lockout: Lockout;
  /** What clients have shown that may be news, or a guess. */
  readonly unknowns: Unknowns;
  /** WebSockets whose clients have yet to show who they are. */
  readonly room: WaitingRoom;
  /** What has not left yet on the WebSockets that end here. */
  readonly behind: Behind;
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
  const sealer = settings.sealKey === undefined ? undefined : createSealer(settings.sealKey);
  return {
    settings,
    relays,
    verifiers: new Verifiers(() => learn(relays, sealer)),
    access: new Access(settings, (url, init) => fetch(url, init)),
    bodies: new BodyBudget(),
    refusals: new Refusals(),
    jwt: createJwtTool((url, init) => fetch(url, init)),
    lockout: new Lockout(),
    unknowns: new Unknowns(),
    room: new WaitingRoom(),
    behind: { bytes: 0 },
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
async function learn(relays: Relays, sealer: Sealer | undefined): Promise<Learned> {
  const learned = await relays.askEach(
    (relay, deadlineMs) => askBundle(relay, deadlineMs, sealer),
    ({ published: { version, keys } }) => version > 0 || keys.length > 0,
  );
  if (learned !== undefined) return learned;
  throw new GatewayError("core_offline", "The relay cannot be reached");
}

async function askBundle(
  relay: Member,
  deadlineMs: number,
  sealer: Sealer | undefined,
): Promise<Learned | undefined> {
  const answer = await relay.ask({ v: 1, kind: "bundle" }, deadlineMs);
  if (answer === undefined) return undefined;
  try {
    const published = await readPublished(await answer.json(), sealer);
    // The core sends them again when it connects, and that it does: the key is new with a deploy.
    if (published.isLocked === true)
      logLine("error", { event: "routes_locked", relay: relay.name });
    return { relay: relay.name, published };
  } catch (error) {
    logLine("error", { event: "bundle_unreadable", relay: relay.name, ...errorFacts(error) });
    return undefined;
  }
}
