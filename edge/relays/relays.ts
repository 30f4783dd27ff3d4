import { ERROR_HEADER } from "../../shared/problem.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import type { Watch } from "../deadline.ts";
import type { Settings } from "../env.ts";
import { MOVABLE, UNSENT_HEADER } from "../relay-call.ts";
import type { RelayFailure } from "../relay-client.ts";
import type { KeepAlive } from "../single-flight.ts";
import { Member, PROBE_MS } from "./member.ts";

/** What came back, and from whom. */
export interface Answered {
  readonly relay: Member;
  readonly response: Response;
}

/** A client's request on its way. */
export interface Errand {
  readonly request: Request;
  /** What differs from the request when it goes to this relay. */
  init(relay: Member): RequestInit;
  readonly deadlineMs: number;
  readonly keepAlive: KeepAlive;
}

/** A verified webhook, which is whole in memory and may be sent more than once. */
export interface Parcel {
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Over all relays together. */
  readonly deadlineMs: number;
  /** With one relay, while there is another. */
  readonly patienceMs: number;
  readonly keepAlive: KeepAlive;
}

/** Who waits for the answer to a question waits five seconds at most, over all relays together. */
const MAX_QUESTION_MS = 4_000;

/**
 * All relays of this deployment, and which of them gets what.
 *
 * Order is that of the settings, primary first; what this isolate remembers of their health moves
 * one behind the others, and nothing is read from storage for it. A request goes to a second relay
 * only while it is provably not accepted by the first: it was not sent, or it had no body and was
 * refused with the word that no core has seen it.
 */
export class Relays {
  /** Primary first. */
  readonly members: readonly [Member, ...Member[]];
  /** Get no work any more, but cores stay connected to them. */
  readonly draining: readonly Member[];
  /** Every relay a core should dial, as WELCOME names them. */
  readonly text: string;
  readonly #now: () => number;

  /** @throws RangeError without a relay. */
  constructor(namespace: DurableObjectNamespace, settings: Settings, now = () => Date.now()) {
    const [primary, ...standbys] = settings.relays.map(
      (place) => new Member(namespace, place, now),
    );
    if (primary === undefined) throw new RangeError("no relay");
    this.members = [primary, ...standbys];
    this.draining = settings.draining.map((place) => new Member(namespace, place, now));
    this.text = [
      ...this.members.map(({ name }) => name),
      ...this.draining.map(({ name }) => `${name}/draining`),
    ].join(" ");
    this.#now = now;
  }

  get primary(): Member {
    return this.members[0];
  }

  named(name: string): Member | undefined {
    return [...this.members, ...this.draining].find((member) => member.name === name);
  }

  roleOf(relay: Member): "primary" | "standby" | "draining" {
    if (relay === this.primary) return "primary";
    return this.draining.includes(relay) ? "draining" : "standby";
  }

  /** Hands over a client's request, unread, to the first relay that can do something with it. */
  async forward(errand: Errand): Promise<Result<Answered, RelayFailure>> {
    let refused: Answered | undefined;
    const order = this.#inOrder(errand.keepAlive);
    for (const relay of order) {
      // With an answer in hand, nobody waits for what has failed lately.
      if (refused !== undefined && relay.health.pulse(this.#now()) === "unwell") continue;
      if (!(await this.#mayUse(relay, order, errand.keepAlive))) continue;
      const answer = await this.#hand(relay, errand);
      // It may have been executed.
      if (!answer.ok) return answer;
      const answered = { relay, response: answer.value };
      if (!this.#isRefusal(answered) || errand.request.body !== null) {
        if (refused !== undefined) await drop(refused.response);
        return ok(answered);
      }
      if (refused === undefined) refused = answered;
      else await drop(answer.value);
    }
    return refused === undefined ? err({ reason: "unreachable" }) : ok(refused);
  }

  /** Hands over a webhook until one relay has it: what arrives twice, the core takes once. */
  async deliver(parcel: Parcel): Promise<Result<Answered, RelayFailure>> {
    const { headers, body, keepAlive } = parcel;
    const order = this.#inOrder(keepAlive);
    const until = this.#now() + parcel.deadlineMs;
    let failed: Result<Answered, RelayFailure> = err({ reason: "unreachable" });
    for (const relay of order) {
      if (!(await this.#mayUse(relay, order, keepAlive))) continue;
      const leftMs = until - this.#now();
      if (leftMs <= 0) break;
      const deadlineMs = relay === order.at(-1) ? leftMs : Math.min(leftMs, parcel.patienceMs);
      const watch = this.#watch(relay, keepAlive);
      const answer = await relay.client.send({ headers, body }, deadlineMs, watch);
      if (answer.ok) {
        relay.health.answered(this.#now());
        const answered = ok({ relay, response: answer.value });
        if (answer.value.status < 500) return answered;
        if (!failed.ok) failed = answered;
      } else {
        this.#suspect(relay, answer.error, keepAlive);
        if (!failed.ok) failed = answer;
      }
    }
    return failed;
  }

  /**
   * The first answer that `isEnough`, otherwise the first at all; undefined when there is none.
   * Whoever drains is asked last: it knows what a primary that has just been made does not.
   *
   * @param ask - Gives undefined when it gets no answer.
   */
  async askEach<T>(
    ask: (relay: Member, deadlineMs: number) => Promise<T | undefined>,
    isEnough: (answer: T) => boolean,
  ): Promise<T | undefined> {
    const asked = [...this.#byRank(), ...this.draining];
    const isOnly = asked.length === 1;
    const startedAt = this.#now();
    let first: T | undefined;
    for (const relay of asked) {
      if (this.#now() - startedAt > MAX_QUESTION_MS - PROBE_MS) break;
      const answer = await ask(relay, isOnly ? MAX_QUESTION_MS : PROBE_MS);
      if (answer !== undefined && isEnough(answer)) return answer;
      first ??= answer;
    }
    return first;
  }

  /**
   * Whether it is the turn of this relay: at once for one that is known to be well; all others must
   * show it. One that then says that it has no core is put off until the rest had their turn.
   */
  #mayUse(relay: Member, order: Member[], keepAlive: KeepAlive): boolean | Promise<boolean> {
    // With nowhere else to go, a probe would only take time.
    if (this.members.length === 1 || relay.health.pulse(this.#now()) === "well") return true;
    return this.#hasShown(relay, order, keepAlive);
  }

  async #hasShown(relay: Member, order: Member[], keepAlive: KeepAlive): Promise<boolean> {
    if (!(await relay.probe(keepAlive))) return false;
    const isAgain = order.indexOf(relay) !== order.lastIndexOf(relay);
    if (relay.health.rank === 0 || isAgain) return true;
    order.push(relay);
    return false;
  }

  /** Best first. What was wrong is looked at again in the background when it is due. */
  #inOrder(keepAlive: KeepAlive): Member[] {
    const now = this.#now();
    const { health } = this.primary;
    const isUsual = health.rank === 0 && health.pulse(now) === "well";
    if (isUsual || this.members.length === 1) return [...this.members];
    for (const relay of this.members) {
      if (relay.health.isDue(now)) keepAlive(relay.probe(keepAlive));
    }
    return this.#byRank();
  }

  #byRank(): Member[] {
    return this.members.toSorted((a, b) => a.health.rank - b.health.rank);
  }

  async #hand(relay: Member, errand: Errand): Promise<Result<Response, RelayFailure>> {
    const { request, keepAlive, deadlineMs } = errand;
    const watch = this.#watch(relay, keepAlive);
    const answer = await relay.client.forward(request, errand.init(relay), deadlineMs, watch);
    if (answer.ok) relay.health.answered(this.#now());
    // A client that leaves takes its call with it.
    else if (!request.signal.aborted) this.#suspect(relay, answer.error, keepAlive);
    return answer;
  }

  /** While a relay takes its time, the next ones must be able to rely on it or go elsewhere. */
  #watch(relay: Member, keepAlive: KeepAlive): Watch | undefined {
    if (this.members.length === 1) return undefined;
    const sentAt = this.#now();
    const onSlow = (): void => {
      if (relay.health.answeredAt <= sentAt) relay.suspect(keepAlive);
    };
    return { afterMs: PROBE_MS, onSlow };
  }

  #suspect(relay: Member, { reason }: RelayFailure, keepAlive: KeepAlive): void {
    if (reason !== "overloaded" && this.members.length > 1) relay.suspect(keepAlive);
  }

  /** A refusal that another relay may not share; what it says of the core is remembered. */
  #isRefusal({ relay, response }: Answered): boolean {
    const code = response.status === 503 ? response.headers.get(ERROR_HEADER) : null;
    if (code === null || !MOVABLE.has(code) || !response.headers.has(UNSENT_HEADER)) {
      if (relay.health.rank === 1) relay.health.sawCore(true, this.#now());
      return false;
    }
    if (code === "core_offline") relay.health.sawCore(false, this.#now());
    return true;
  }
}

/** Lets go of an answer that nobody will read. */
async function drop(response: Response): Promise<void> {
  await response.body?.cancel();
}
