import { type Bindings, readSettings, type Settings } from "./env.ts";
import { GatewayError } from "../shared/errors.ts";
import { logLine } from "./log.ts";
import { BUNDLE_VERSION_HEADER, type CallOf } from "./relay-call.ts";
import { RelayClient } from "./relay-client.ts";
import { StateCache } from "./state-cache.ts";
import { Verifiers } from "./verifiers.ts";

/** What lives as long as the isolate, and so longer than a request. */
export interface Isolate {
  readonly settings: Settings;
  readonly relay: RelayClient;
  readonly verifiers: Verifiers;
  readonly state: StateCache;
  readonly clientRate: RateLimit | undefined;
  readonly failureRate: RateLimit | undefined;
}

/** The relay answers these from memory or one row; longer, and it is not well. */
const QUESTION_DEADLINE_MS = 4_000;

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
  const relay = new RelayClient(bindings.RELAY, settings.relayName, settings.relayRegion);
  return {
    settings,
    relay,
    verifiers: new Verifiers(async () => (await question(relay, "bundle")).body),
    state: new StateCache(() => question(relay, "state")),
    clientRate: bindings.CLIENT_RATE,
    failureRate: bindings.FAILURE_RATE,
  };
}

/** @throws GatewayError `core_offline` when the relay does not answer as agreed. */
async function question(
  relay: RelayClient,
  kind: "bundle" | "state",
): Promise<{ readonly body: unknown; readonly bundleVersion: number | undefined }> {
  const call: CallOf<"bundle"> | CallOf<"state"> = { v: 1, kind };
  const answer = await relay.ask(call, QUESTION_DEADLINE_MS);
  if (!answer.ok || answer.value.status !== 200) {
    const reason = answer.ok ? `status_${answer.value.status}` : answer.error.reason;
    logLine("error", { event: "relay_question_failed", kind, reason });
    throw new GatewayError("core_offline", "The relay cannot be reached");
  }
  return {
    body: await answer.value.json(),
    bundleVersion: versionOf(answer.value.headers),
  };
}

/** The bundle version an answer of the relay names, if it names one. */
export function versionOf(headers: Headers): number | undefined {
  const version = headers.get(BUNDLE_VERSION_HEADER);
  return version === null ? undefined : Number(version);
}
