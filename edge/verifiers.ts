/**
 * What this isolate knows of clients, webhook routes and core keys, so that it can decide without
 * waking the relay. Bad credentials must not be able to wake it either: a miss may ask for news
 * only as often as the constants below say.
 */
import { type LoginPolicy, SETUP_SUBJECT, type Verifier } from "../shared/edge-bundle.ts";
import type { OutageAlert } from "../shared/ingress/route.ts";
import { LIMITS } from "../shared/limits.ts";
import type { Principal } from "../shared/principal.ts";
import type { Gate } from "./ingress/gate.ts";
import type { Signer } from "./login/signer.ts";
import { Questions, type Seeker } from "./rate/questions.ts";
import type { Ticket } from "./relay-call.ts";
import { type KeepAlive, SingleFlight } from "./single-flight.ts";
import { type Learned, NOTHING, type Snapshot, snapshotOf } from "./snapshot.ts";

/** Who a token belongs to, and the digest by which the relay looks whether it still does. */
export interface Caller {
  readonly principal: Principal;
  readonly digest: string;
  /** What an operator of the gateway protocol may do with it; undefined: everything. */
  readonly operatorScopes?: readonly string[];
  /** The device it was made out to. */
  readonly deviceId?: string;
  /** Came with a setup code, which is gone once it is used: the connection must outlive it. */
  readonly isPassing?: true;
  /** Came with a ticket: the relay lets it in once. */
  readonly ticket?: Ticket;
  /** Came with a cookie that is to be made longer: a header for the answer. */
  readonly setCookie?: string;
}

/** A device that may only read is no operator: `authorize` knows what it may see. */
function callerOf({ digest, subject, scopes, operatorScopes, deviceId }: Verifier): Caller {
  const mayWrite = operatorScopes?.some((scope) => WRITING.has(scope)) ?? true;
  const granted = mayWrite ? scopes : scopes.filter((scope) => scope !== "operator");
  return {
    principal: { subject, scopes: granted },
    digest,
    ...(operatorScopes === undefined ? {} : { operatorScopes }),
    ...(deviceId === undefined ? {} : { deviceId }),
  };
}

const WRITING: ReadonlySet<string> = new Set(["operator.write", "operator.admin"]);

/** While no core has published anything that can be read, a core may be about to: ask more often. */
const UNPUBLISHED_REFRESH_MS = 5_000;
/** A tunnel that this isolate let in publishes within seconds; the relay is awake anyway. */
const SETTLING_REFRESH_MS = 1_000;
const SETTLING_MS = 30_000;
/** A version that cannot be had, for whatever reason, must not be asked for with every answer. */
const OBSERVED_REFRESH_MS = 1_000;
/** Headers remembered: one for each token in use is enough, and no isolate serves more at once. */
const MAX_CALLERS = 256;

/** Of a relay that this isolate has not heard from. */
const UNKNOWN_VERSION = -1;

export class Verifiers {
  readonly #load: () => Promise<Learned>;
  readonly #flight = new SingleFlight<void>();
  #snapshot: Snapshot = { ...NOTHING, versions: new Map() };
  /** Good `Authorization` headers seen lately: their digest need not be computed again. */
  readonly #callers = new Map<string, Caller>();
  readonly #questions = new Questions();
  /** Grows when a relay says something else than what it had published before. */
  #news = 0;
  #observed = { relay: "", version: UNKNOWN_VERSION, at: -Infinity };
  #disputed = { relay: "", version: UNKNOWN_VERSION, at: -Infinity };
  #settlingUntil = -Infinity;

  /** @param load - Asks a relay; may throw. */
  constructor(load: () => Promise<Learned>) {
    this.#load = load;
  }

  /** False while no core has ever published a bundle, as far as this isolate knows. */
  get published(): boolean {
    return this.#snapshot.published;
  }

  /** The relay that all this is from; undefined while nothing is known. */
  get source(): string | undefined {
    return this.#snapshot.source;
  }

  /** The version this relay is at, as far as is known here: it keeps quiet while that is right. */
  versionAt(relay: string): number {
    return this.#snapshot.versions.get(relay) ?? UNKNOWN_VERSION;
  }

  /** What the core wishes for browsers; undefined when it says nothing. */
  get login(): LoginPolicy | undefined {
    return this.#snapshot.login;
  }

  /** Whether clients may show their credentials in the first frame of a WebSocket. */
  get greets(): boolean {
    return this.#snapshot.greets;
  }

  /** Whether pages of another origin may open such a WebSocket. */
  allowsOrigin(origin: string): boolean {
    const { allowedOrigins } = this.#snapshot;
    return allowedOrigins.includes(origin) || allowedOrigins.includes("*");
  }

  /** Checks and makes cookies and tickets. */
  get signer(): Signer | undefined {
    return this.#snapshot.signer;
  }

  /** What webhooks are posted below. */
  get hooksPath(): string {
    return this.#snapshot.hooksPath;
  }

  /** What they were posted below before, besides `HOOKS_PATH`. */
  get formerHooks(): readonly string[] {
    return this.#snapshot.formerHooks;
  }

  /** The webhook route of this name. */
  route(name: string): Gate | undefined {
    return this.#snapshot.routes.get(name);
  }

  /** Whether a route that is not here is known to be none. */
  get knowsRoutes(): boolean {
    return this.#snapshot.published && !this.#snapshot.isLocked;
  }

  /** Whom to tell when webhooks come and the core does not. */
  get outageAlert(): OutageAlert | undefined {
    return this.#snapshot.outageAlert;
  }

  /** Raw Ed25519 public key of a core, URL-safe base64. */
  key(kid: string): string | undefined {
    return this.#snapshot.keys.get(kid);
  }

  /** The caller behind an `Authorization` header that was good before. */
  remembered(authorization: string): Caller | undefined {
    return this.#callers.get(authorization);
  }

  /**
   * The caller behind a token, and remembers the header it came in.
   *
   * Found by its SHA-256: how long that takes tells nothing of the digests that are there, since
   * nobody can choose the digest of a guess.
   */
  identify(digest: string, authorization: string): Caller | undefined {
    const callers = this.#callers;
    const caller = this.find(digest);
    if (caller === undefined) return undefined;
    if (callers.size >= MAX_CALLERS) callers.clear();
    callers.set(authorization, caller);
    return caller;
  }

  /** The caller behind the digest of a token, which a cookie or a ticket has named. */
  find(digest: string): Caller | undefined {
    const verifier = this.#snapshot.verifiers.get(digest);
    if (verifier === undefined) return undefined;
    return callerOf(verifier);
  }

  /** Somebody with the setup code of this digest. @param now - Unix ms. */
  newcomer(digest: string, now: number): Caller | undefined {
    const expiresAt = this.#snapshot.setupCodes.get(digest) ?? 0;
    if (now >= expiresAt) return undefined;
    return { principal: { subject: SETUP_SUBJECT, scopes: [] }, digest, isPassing: true };
  }

  /**
   * Something was not found. Asks for news if that is due; then look again. Only what is asked in
   * vain counts: nobody outside can make news.
   *
   * @returns False when it was not, so that what is not here may be news all the same.
   */
  async missed(seeker: Seeker, keepAlive: KeepAlive, now: number): Promise<boolean> {
    const giveBack = this.#questions.take(seeker, this.#pause(now), now);
    // An answer that is on its way is worth waiting for in any case.
    if (giveBack === undefined && !this.#flight.busy(now)) return false;
    const known = this.#news;
    const isAnswered = await this.#refresh(keepAlive, now);
    if (this.#news !== known) giveBack?.();
    return isAnswered;
  }

  /**
   * An answer of a relay named its version. Asks for news in the background if it is another than
   * the one that is known.
   */
  observe(relay: string, version: number, keepAlive: KeepAlive, now: number): void {
    if (version === this.versionAt(relay)) return;
    const { relay: of, version: before, at } = this.#observed;
    if (of === relay && version === before && now - at < OBSERVED_REFRESH_MS) return;
    this.#observed = { relay, version, at: now };
    keepAlive(this.#learnOf(relay, version, keepAlive, now));
  }

  /**
   * A relay at this version knows another route than the one that is known here. Asks for news, and
   * waits for it; again for the same version only when it has been a while.
   *
   * @returns False when nobody answers: then nobody knows who is right.
   */
  async disputed(
    relay: string,
    version: number,
    keepAlive: KeepAlive,
    now: number,
  ): Promise<boolean> {
    // What is on its way may have been said before the relay had its news.
    if (this.#flight.busy(now)) await this.#refresh(keepAlive, now);
    const { relay: of, version: before, at } = this.#disputed;
    if (of === relay && version === before && now - at < OBSERVED_REFRESH_MS) return true;
    if (!(await this.#learnOf(relay, version, keepAlive, now))) return false;
    this.#disputed = { relay, version, at: now };
    return true;
  }

  /** A core was let in or paired: what it says or is will be news very soon. */
  expectNews(now: number): void {
    this.#questions.refill();
    this.#settlingUntil = now + SETTLING_MS;
  }

  #pause(now: number): number {
    if (now < this.#settlingUntil) return SETTLING_REFRESH_MS;
    return this.knowsRoutes ? LIMITS.bundleRefreshMs : UNPUBLISHED_REFRESH_MS;
  }

  async #learnOf(
    relay: string,
    version: number,
    keepAlive: KeepAlive,
    now: number,
  ): Promise<boolean> {
    if (!(await this.#refresh(keepAlive, now))) return false;
    // Whoever was asked, and it may have been another, what this relay had to tell was heard.
    if (relay !== this.source) this.#snapshot.versions.set(relay, version);
    return true;
  }

  /** False, and never an error, when nobody answers: what we know stays good. */
  async #refresh(keepAlive: KeepAlive, now: number): Promise<boolean> {
    try {
      await this.#flight.run(() => this.#take(), keepAlive, now);
      return true;
    } catch {
      return false;
    }
  }

  async #take(): Promise<void> {
    const learned = await this.#load();
    const next = await snapshotOf(learned);
    const { source, versions, published: wasPublished } = this.#snapshot;
    const { relay, published } = learned;
    const isOther = relay === source && published.version !== versions.get(relay);
    // The first is what everybody waits for who comes then: nobody has a reason to ask again at once.
    if (isOther && wasPublished) this.#news += 1;
    this.#snapshot = next;
    this.#callers.clear();
  }
}
