/**
 * What this isolate knows of clients, webhook routes and core keys, so that it can decide without
 * waking the relay. Bad credentials must not be able to wake it either: a miss may ask for news
 * only as often as the constants below say.
 */
import { type LoginPolicy, SETUP_SUBJECT, type Verifier } from "../shared/edge-bundle.ts";
import type { OutageAlert } from "../shared/ingress/route.ts";
import { LIMITS } from "../shared/limits.ts";
import type { Principal } from "../shared/principal.ts";
import { Gate } from "./ingress/gate.ts";
import { createSigner, type Signer } from "./login/signer.ts";
import type { Ticket } from "./relay-call.ts";
import type { Published } from "./relays/published.ts";
import { type KeepAlive, SingleFlight } from "./single-flight.ts";

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

/** What one relay has told. */
export interface Learned {
  readonly relay: string;
  readonly published: Published;
}

/** One published state, never changed: what was derived from it goes away with it. */
interface Snapshot {
  /** The relay it is from; undefined before the first. */
  readonly source: string | undefined;
  /**
   * The version each relay is at, as far as it is known. Each counts for itself, so that of another
   * relay than the source says nothing by itself: news is when it changes.
   */
  readonly versions: Map<string, number>;
  readonly published: boolean;
  readonly verifiers: ReadonlyMap<string, Verifier>;
  /** Setup codes by their digest: Unix ms at which they end. */
  readonly setupCodes: ReadonlyMap<string, number>;
  readonly routes: ReadonlyMap<string, Gate>;
  /** Routes were published, but this isolate cannot open them. */
  readonly isLocked: boolean;
  readonly outageAlert: OutageAlert | undefined;
  readonly keys: ReadonlyMap<string, string>;
  readonly login: LoginPolicy | undefined;
  readonly greets: boolean;
  readonly allowedOrigins: readonly string[];
  /** Undefined while the relay has not said with which key. */
  readonly signer: Signer | undefined;
  /** Good `Authorization` headers seen lately: their digest need not be computed again. */
  readonly callers: Map<string, Caller>;
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

/** Who looked for something that is not there: each has a budget of its own. */
export type Seeker = "client" | "core" | "webhook";

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

const NOTHING: Omit<Snapshot, "versions" | "callers"> = {
  source: undefined,
  published: false,
  verifiers: new Map(),
  setupCodes: new Map(),
  routes: new Map(),
  isLocked: false,
  outageAlert: undefined,
  keys: new Map(),
  login: undefined,
  greets: false,
  allowedOrigins: [],
  signer: undefined,
};

export class Verifiers {
  readonly #load: () => Promise<Learned>;
  readonly #flight = new SingleFlight<void>();
  #snapshot: Snapshot = { ...NOTHING, versions: new Map(), callers: new Map() };
  readonly #askedAt: Record<Seeker, number> = {
    client: -Infinity,
    core: -Infinity,
    webhook: -Infinity,
  };
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
    return this.#snapshot.callers.get(authorization);
  }

  /**
   * The caller behind a token, and remembers the header it came in.
   *
   * Found by its SHA-256: how long that takes tells nothing of the digests that are there, since
   * nobody can choose the digest of a guess.
   */
  identify(digest: string, authorization: string): Caller | undefined {
    const { callers } = this.#snapshot;
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
   * Something was not found. Asks for news if that is due; then look again.
   *
   * @returns False when it was not, so that what is not here may be news all the same.
   */
  async missed(seeker: Seeker, keepAlive: KeepAlive, now: number): Promise<boolean> {
    const due = now - this.#askedAt[seeker] >= this.#pause(now);
    // An answer that is on its way is worth waiting for in any case.
    if (!due && !this.#flight.busy(now)) return false;
    if (due) this.#askedAt[seeker] = now;
    return this.#refresh(keepAlive, now);
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
    this.#askedAt.client = -Infinity;
    this.#askedAt.core = -Infinity;
    this.#askedAt.webhook = -Infinity;
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
    const { relay, published } = await this.#load();
    const { version, bundle, marks, keys, sessionKey, isLocked = false } = published;
    const signer = sessionKey === undefined ? undefined : await createSigner(sessionKey);
    this.#snapshot = {
      source: relay,
      versions: new Map([[relay, version]]),
      published: bundle !== null,
      verifiers: new Map(bundle?.verifiers.map((verifier) => [verifier.digest, verifier])),
      setupCodes: new Map(bundle?.setupCodes?.map((one) => [one.digest, one.expiresAt])),
      routes: new Map(
        bundle?.routes.map((route, index) => [route.name, new Gate(route, marks?.[index])]),
      ),
      isLocked,
      outageAlert: bundle?.outageAlert,
      keys: new Map(keys.map(({ kid, publicKey }) => [kid, publicKey])),
      login: bundle?.login,
      greets: bundle !== null && bundle.greets !== false,
      allowedOrigins: bundle?.allowedOrigins ?? [],
      signer,
      callers: new Map(),
    };
  }
}
