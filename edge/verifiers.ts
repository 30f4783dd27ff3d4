/**
 * What this isolate knows of clients, webhook routes and core keys, so that it can decide without
 * waking the relay. Bad credentials must not be able to wake it either: a miss may ask for news
 * only as often as the constants below say.
 */
import * as z from "zod";
import { EdgeBundle, type IngressRoute, type Verifier } from "../shared/edge-bundle.ts";
import { LIMITS } from "../shared/limits.ts";
import type { Principal } from "../shared/principal.ts";
import { type KeepAlive, SingleFlight } from "./single-flight.ts";

/** Who a token belongs to, and the digest by which the relay looks whether it still does. */
export interface Caller {
  readonly principal: Principal;
  readonly digest: string;
}

/** One published state, never changed: what was derived from it goes away with it. */
interface Snapshot {
  readonly version: number;
  readonly published: boolean;
  readonly verifiers: ReadonlyMap<string, Verifier>;
  readonly routes: ReadonlyMap<string, IngressRoute>;
  readonly keys: ReadonlyMap<string, string>;
  /** Good `Authorization` headers seen lately: their digest need not be computed again. */
  readonly callers: Map<string, Caller>;
}

/** Who looked for something that is not there: each has a budget of its own. */
export type Seeker = "client" | "core";

const Answer = z.object({
  version: z.number(),
  bundle: EdgeBundle.nullable(),
  keys: z.array(z.object({ kid: z.string(), publicKey: z.string() })),
});

/** While no core has published anything, a core may be about to: ask more often. */
const UNPUBLISHED_REFRESH_MS = 5_000;
/** A tunnel that this isolate let in publishes within seconds; the relay is awake anyway. */
const SETTLING_REFRESH_MS = 1_000;
const SETTLING_MS = 30_000;
/** A version that cannot be had, for whatever reason, must not be asked for with every answer. */
const OBSERVED_REFRESH_MS = 1_000;
/** Headers remembered: one for each token in use is enough, and no isolate serves more at once. */
const MAX_CALLERS = 256;

const NOTHING: Omit<Snapshot, "callers"> = {
  version: -1,
  published: false,
  verifiers: new Map(),
  routes: new Map(),
  keys: new Map(),
};

export class Verifiers {
  readonly #load: () => Promise<unknown>;
  readonly #flight = new SingleFlight<void>();
  #snapshot: Snapshot = { ...NOTHING, callers: new Map() };
  readonly #askedAt: Record<Seeker, number> = { client: -Infinity, core: -Infinity };
  #observed = { version: -1, at: -Infinity };
  #settlingUntil = -Infinity;

  /** @param load - Asks the relay; gives a `BundleAnswer`, or throws. */
  constructor(load: () => Promise<unknown>) {
    this.#load = load;
  }

  /** False while no core has ever published a bundle, as far as this isolate knows. */
  get published(): boolean {
    return this.#snapshot.published;
  }

  get version(): number {
    return this.#snapshot.version;
  }

  route(name: string): IngressRoute | undefined {
    return this.#snapshot.routes.get(name);
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
    const { verifiers, callers } = this.#snapshot;
    const verifier = verifiers.get(digest);
    if (verifier === undefined) return undefined;
    const { subject, scopes } = verifier;
    const caller = { principal: { subject, scopes }, digest };
    if (callers.size >= MAX_CALLERS) callers.clear();
    callers.set(authorization, caller);
    return caller;
  }

  /** Something was not found. Asks for news if that is due; then look again. */
  async missed(seeker: Seeker, keepAlive: KeepAlive, now: number): Promise<void> {
    const due = now - this.#askedAt[seeker] >= this.#pause(now);
    // An answer that is on its way is worth waiting for in any case.
    if (!due && !this.#flight.busy(now)) return;
    if (due) this.#askedAt[seeker] = now;
    await this.#refresh(keepAlive, now);
  }

  /** An answer of the relay named its version. Asks for news in the background if it is another. */
  observe(version: number, keepAlive: KeepAlive, now: number): void {
    if (version === this.#snapshot.version) return;
    const { version: before, at } = this.#observed;
    if (version === before && now - at < OBSERVED_REFRESH_MS) return;
    this.#observed = { version, at: now };
    keepAlive(this.#refresh(keepAlive, now));
  }

  /** A core was let in or paired: what it says or is will be news very soon. */
  expectNews(now: number): void {
    this.#askedAt.client = -Infinity;
    this.#askedAt.core = -Infinity;
    this.#settlingUntil = now + SETTLING_MS;
  }

  #pause(now: number): number {
    if (now < this.#settlingUntil) return SETTLING_REFRESH_MS;
    return this.published ? LIMITS.bundleRefreshMs : UNPUBLISHED_REFRESH_MS;
  }

  /** Never rejects: what we know stays good while the relay cannot be asked. */
  async #refresh(keepAlive: KeepAlive, now: number): Promise<void> {
    await this.#flight.run(() => this.#take(), keepAlive, now).catch(() => {});
  }

  async #take(): Promise<void> {
    const { version, bundle, keys } = Answer.parse(await this.#load());
    this.#snapshot = {
      version,
      published: bundle !== null,
      verifiers: new Map(bundle?.verifiers.map((verifier) => [verifier.digest, verifier])),
      routes: new Map(bundle?.routes.map((route) => [route.name, route])),
      keys: new Map(keys.map(({ kid, publicKey }) => [kid, publicKey])),
      callers: new Map(),
    };
  }
}
