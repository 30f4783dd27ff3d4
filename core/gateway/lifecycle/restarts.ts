import type { Logger } from "pino";
import { Bell } from "../../conversation/bell.ts";
import type { Clock } from "../../channels/clock.ts";
import type { Settings } from "../../config/settings.ts";
import { CONFIG_CHANGED } from "../../methods/system/restart.ts";
import { nextStep, patienceMs, restMs, type Wish } from "./deferral.ts";
import type { Job } from "./under-way.ts";
import { workText } from "./work.ts";

/** Longest a timer can be set for; whoever waits longer looks again in between. */
const MAX_TIMER_MS = 2_000_000_000;

/** The gateway that is to begin anew. */
export interface RestartHost {
  /** What would be cut off. */
  jobs(): readonly Job[];
  /** Settles when that has changed, or `signal` aborts. */
  changed(signal: AbortSignal): Promise<void>;
  /** Longest that work under way may put a restart off, ms; 0: as long as it takes. */
  deferralMs(): number;
  /**
   * Begins anew, with the settings as they are by then.
   *
   * @param patienceMs - New work waits, up to so long, for what is under way to end; undefined: that
   *   is cut off when it does not end soon.
   * @returns Those settings; undefined when it did not end: then everything goes on as before.
   * @throws GatewayError for settings it cannot run with: then it runs with those it had.
   */
  begin(patienceMs: number | undefined): Promise<Settings | undefined>;
  /** It runs with these. */
  began(settings: Settings): void;
}

export interface RestartParts {
  readonly host: RestartHost;
  readonly clock: Clock;
  /** Aborts when the gateway is to end: then there is no restart any more. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** A restart that is to come. */
export interface PendingRestart {
  /** Why; more than one may have asked for it. */
  readonly reasons: readonly string[];
  /** Unix ms since when it is wanted. */
  readonly since: number;
  /** Unix ms by which it begins, whatever goes on; undefined: it waits as long as it takes. */
  readonly deadline: number | undefined;
  /** `scheduled`: for later. `deferred`: work is under way. `restarting`: it is about to be. */
  readonly phase: "scheduled" | "deferred" | "restarting";
  /** For people: what it waits for. */
  readonly waitsFor: string;
}

export interface RestartOrder {
  readonly reason: string;
  /** Default: 0. */
  readonly delayMs?: number;
  /** True: what is under way is not waited for longer than an end would. */
  readonly forced?: boolean;
}

interface Pending extends Wish {
  readonly reasons: Set<string>;
  readonly since: number;
  from: number;
  deadline: number | undefined;
  restUntil: number;
  forced: boolean;
  phase: PendingRestart["phase"];
  isPutOff: boolean;
  isWithdrawn: boolean;
  /** Rings when somebody has changed it. */
  readonly changed: Bell;
  /** Resolves with the settings it began with, or undefined as soon as it has to wait. */
  readonly decided: PromiseWithResolvers<Settings | undefined>;
}

/**
 * Restarts that somebody wants, at most one at a time: turns under way end first. Meanwhile the
 * gateway serves as ever; only when what is left is about to end does new work wait for it.
 */
export class Restarts {
  readonly #parts: RestartParts;
  #pending: Pending | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: RestartParts) {
    this.#parts = parts;
  }

  get pending(): PendingRestart | undefined {
    if (this.#pending === undefined) return undefined;
    const { reasons, since, deadline, phase } = this.#pending;
    const { host, clock } = this.#parts;
    const waitsFor = workText(host.jobs(), clock.now());
    return { reasons: [...reasons], since, deadline, phase, waitsFor };
  }

  /** Settles when no restart goes on. */
  get settled(): Promise<void> {
    return this.#running;
  }

  /**
   * Has the gateway begin anew as soon as it may; one that is to come already is the same.
   *
   * @returns The settings it runs with then; undefined as soon as it is clear that it has to wait.
   * @throws GatewayError as `RestartHost.begin`.
   */
  want({ reason, delayMs = 0, forced = false }: RestartOrder): Promise<Settings | undefined> {
    const { clock, host, signal } = this.#parts;
    if (signal.aborted) return Promise.resolve(undefined);
    const from = clock.now() + delayMs;
    const deferralMs = host.deferralMs();
    const deadline = deferralMs === 0 ? undefined : from + deferralMs;
    const known = this.#pending;
    if (known !== undefined) {
      known.reasons.add(reason);
      known.from = Math.min(known.from, from);
      known.deadline = earlier(known.deadline, deadline);
      known.forced ||= forced;
      known.changed.ring();
      return known.decided.promise;
    }
    const pending: Pending = {
      reasons: new Set([reason]),
      since: clock.now(),
      from,
      deadline,
      restUntil: 0,
      forced,
      phase: delayMs > 0 ? "scheduled" : "restarting",
      isPutOff: false,
      isWithdrawn: false,
      changed: new Bell(),
      decided: Promise.withResolvers(),
    };
    // Whoever asks for it by the way does not wait for what becomes of it.
    pending.decided.promise.catch(() => undefined);
    this.#pending = pending;
    this.#running = this.#pursue(pending);
    return pending.decided.promise;
  }

  /** Nobody wants it for this reason any more. */
  withdraw(reason: string): void {
    const pending = this.#pending;
    if (pending === undefined || !pending.reasons.delete(reason)) return;
    if (pending.reasons.size > 0) return;
    pending.isWithdrawn = true;
    pending.changed.ring();
  }

  /** Never rejects. */
  async #pursue(pending: Pending): Promise<void> {
    const { log } = this.#parts;
    try {
      const settings = await this.#outcome(pending);
      this.#pending = undefined;
      if (settings !== undefined) this.#parts.host.began(settings);
      pending.decided.resolve(settings);
    } catch (err) {
      this.#pending = undefined;
      // Whoever has changed the config says itself what is wrong with that.
      if (pending.isPutOff || !pending.reasons.has(CONFIG_CHANGED)) {
        log.error({ err }, "restart failed");
      }
      pending.decided.reject(err);
    }
  }

  /** Undefined: there is none. */
  async #outcome(pending: Pending): Promise<Settings | undefined> {
    const { host, clock, log } = this.#parts;
    for (let tries = 0; ; tries += 1) {
      const step = await this.#due(pending);
      if (step === "never") return undefined;
      if (step === "cut" && !pending.forced) {
        log.warn({ waitedFor: this.pending?.waitsFor }, "restart was put off long enough");
      }
      pending.phase = "restarting";
      const patience = patienceMs(tries);
      const settings = await host.begin(step === "cut" ? undefined : patience);
      if (settings !== undefined) return settings;
      pending.restUntil = clock.now() + restMs(patience);
    }
  }

  /** Waits until it may be tried. */
  async #due(pending: Pending): Promise<"try" | "cut" | "never"> {
    const { host, clock, signal } = this.#parts;
    for (;;) {
      if (pending.isWithdrawn || signal.aborted) return "never";
      const step = nextStep(host.jobs(), pending, clock.now());
      if (step.do !== "wait") return step.do;
      if (step.for === "work") this.#putOff(pending);
      await this.#wait(pending, Math.min(step.ms, MAX_TIMER_MS));
    }
  }

  async #wait(pending: Pending, ms: number): Promise<void> {
    const { host, clock } = this.#parts;
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.#parts.signal]);
    const { changed } = pending;
    await Promise.race([host.changed(signal), changed.heard(signal), clock.wait(ms, signal)]);
    over.abort();
  }

  #putOff(pending: Pending): void {
    if (pending.phase === "deferred") return;
    pending.phase = "deferred";
    pending.isPutOff = true;
    const { reasons, deadline } = pending;
    const { clock, log } = this.#parts;
    const atMostMs = deadline === undefined ? undefined : deadline - clock.now();
    const waitsFor = this.pending?.waitsFor;
    log.info({ reasons: [...reasons], waitsFor, atMostMs }, "restart deferred");
    pending.decided.resolve(undefined);
  }
}

/** Undefined is never. */
function earlier(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}
