import * as z from "zod/mini";
import { GatewayError } from "../../shared/errors.ts";
import type { Result } from "../../shared/result.ts";
import type { RelayPlace } from "../env.ts";
import { logLine } from "../log.ts";
import { BUNDLE_VERSION_HEADER, type RelayCall } from "../relay-call.ts";
import { RelayClient, type RelayFailure } from "../relay-client.ts";
import { type KeepAlive, SingleFlight } from "../single-flight.ts";
import { StateCache } from "../state-cache.ts";
import { RelayHealth } from "./health.ts";

/**
 * How long a relay may take to show that it is there. The runtime itself tries for ten seconds,
 * which is longer than most clients wait.
 */
export const PROBE_MS = 1_500;

/** A relay answers its state from memory or one row; longer, and it is not well. */
const QUESTION_DEADLINE_MS = 4_000;

const ProbeAnswer = z.object({ connected: z.boolean() });

/** One relay as an isolate knows it: how to reach it, and how it was lately. */
export class Member {
  /** `<region>:<generation>` */
  readonly name: string;
  readonly client: RelayClient;
  readonly health = new RelayHealth();
  readonly state: StateCache;
  readonly #now: () => number;
  readonly #probes = new SingleFlight<boolean>(PROBE_MS);

  constructor(namespace: DurableObjectNamespace, place: RelayPlace, now: () => number) {
    this.name = place.name;
    this.client = new RelayClient(namespace, place.object, place.region);
    this.state = new StateCache(() => this.#askState());
    this.#now = now;
  }

  /** Whether it answers now. All who want to know at once share one call. */
  async probe(keepAlive: KeepAlive): Promise<boolean> {
    // Who has waited as long as a probe may take has his answer.
    return this.#probes.run(() => this.#probe(), keepAlive, this.#now()).catch(() => false);
  }

  /** Something took long or broke: looks, beside what goes on, whether the relay is still there. */
  suspect(keepAlive: KeepAlive): void {
    this.health.doubted();
    keepAlive(this.probe(keepAlive));
  }

  /** A question of the Worker's own. Undefined when it is not answered as agreed; says so in the log. */
  async ask(call: RelayCall, deadlineMs: number): Promise<Response | undefined> {
    const answer = await this.client.ask(call, deadlineMs);
    this.#note(answer);
    if (answer.ok && answer.value.status === 200) return answer.value;
    const reason = answer.ok ? `status_${answer.value.status}` : answer.error.reason;
    logLine("error", { event: "relay_question_failed", kind: call.kind, relay: this.name, reason });
    return undefined;
  }

  async #probe(): Promise<boolean> {
    const answer = await this.client.ask({ v: 1, kind: "probe" }, PROBE_MS);
    this.#note(answer);
    if (answer.ok && answer.value.status === 200) {
      const said = ProbeAnswer.safeParse(await answer.value.json());
      if (said.success) this.health.sawCore(said.data.connected, this.#now());
    }
    return this.health.rank < 2;
  }

  /** What an answer, or none, to a call without risk says of the relay. */
  #note(answer: Result<Response, RelayFailure>): void {
    const before = this.health.rank;
    const isThere = answer.ok ? answer.value.status < 500 : answer.error.reason === "overloaded";
    if (isThere) this.health.answered(this.#now());
    else this.health.failed(this.#now());
    if (isThere === before < 2) return;
    const reason = answer.ok ? undefined : answer.error.reason;
    const event = isThere ? "relay_well" : "relay_unwell";
    logLine(isThere ? "info" : "warn", { event, relay: this.name, reason });
  }

  /** @throws GatewayError `core_offline` when the relay does not answer as agreed. */
  async #askState(): Promise<{ body: unknown; bundleVersion: number | undefined }> {
    const answer = await this.ask({ v: 1, kind: "state" }, QUESTION_DEADLINE_MS);
    if (answer === undefined) throw new GatewayError("core_offline", "The relay cannot be reached");
    return { body: await answer.json(), bundleVersion: versionOf(answer.headers) };
  }
}

/** The bundle version an answer of a relay names, if it names one. */
export function versionOf(headers: Headers): number | undefined {
  const version = headers.get(BUNDLE_VERSION_HEADER);
  return version === null ? undefined : Number(version);
}
