import * as z from "zod/mini";
import { digestOf } from "../../shared/constant-time.ts";
import { EdgeBundle, HOOKS_PATH } from "../../shared/edge-bundle.ts";
import { LIMITS } from "../../shared/limits.ts";
import { errorFacts, logLine } from "../log.ts";
import type { BundleAnswer } from "../relay-call.ts";
import type { Sealer } from "../seal.ts";

/** Where the relay keeps one value under one name. */
export interface Shelf {
  /** @throws $ZodError, SyntaxError when something else is there. */
  read<T>(name: string, schema: z.ZodMiniType<T>): T | undefined;
  write(name: string, value: unknown): void;
}

const Stored = z.object({
  version: z.number(),
  /** Without routes and alert when they are sealed. */
  bundle: EdgeBundle,
  sealed: z.optional(z.object({ text: z.string(), fingerprint: z.string() })),
  /** What tells a route from every other, in their order; a version before kept none. */
  marks: z.optional(z.array(z.string())),
  formerHooks: z.optional(z.array(z.string())),
});
type Stored = z.output<typeof Stored>;

const NAME = "bundle";
/** Paths that webhooks were posted below and are not any more; the oldest go. */
const MAX_FORMER_HOOKS = 4;

const NOTHING: Stored = {
  version: 0,
  bundle: {
    verifiers: [],
    routes: [],
    rate: { perSecond: LIMITS.ratePerSecond, burst: LIMITS.rateBurst },
  },
};

/** The bundle a core has published last, as it is kept: what of it is secret, only sealed. */
export class KeptBundle {
  readonly #shelf: Shelf;
  readonly #sealer: Sealer | undefined;
  #stored: Stored | undefined;
  #digests: ReadonlySet<string> | undefined;
  #marks: ReadonlySet<string> | undefined;
  /** The publish that came last: the next one waits for it, so that they end in their order. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param sealer - Undefined without a key: then only what holds no secrets is taken. */
  constructor(shelf: Shelf, sealer: Sealer | undefined) {
    this.#shelf = shelf;
    this.#sealer = sealer;
  }

  /** Grows with every change; 0 before the first. */
  get version(): number {
    return this.#current().version;
  }

  get rate(): EdgeBundle["rate"] {
    return this.#current().bundle.rate;
  }

  get routing(): EdgeBundle["routing"] {
    return this.#current().bundle.routing;
  }

  /** Also of a setup code. */
  hasVerifier(digest: string): boolean {
    const { verifiers, setupCodes = [] } = this.#current().bundle;
    this.#digests ??= new Set([...verifiers, ...setupCodes].map((one) => one.digest));
    return this.#digests.has(digest);
  }

  /** Whether a route is as it was when it got this mark; true where that cannot be known. */
  hasRoute(mark: string | undefined): boolean {
    const { marks } = this.#current();
    if (mark === undefined || marks === undefined) return true;
    this.#marks ??= new Set(marks);
    return this.#marks.has(mark);
  }

  /** What isolates get: sealed routes as they are, for them to open. */
  answer(): Pick<BundleAnswer, "version" | "bundle" | "sealed" | "marks" | "formerHooks"> {
    const { version, bundle, sealed, marks, formerHooks } = this.#current();
    if (version === 0) return { version, bundle: null };
    const marked = {
      ...(marks === undefined ? {} : { marks }),
      ...(formerHooks === undefined ? {} : { formerHooks }),
    };
    if (sealed === undefined) return { version, bundle, ...marked };
    // No routes, rather than an empty list: who does not know of sealing must not take it for all.
    const { routes: _routes, ...rest } = bundle;
    return { version, bundle: rest, sealed: sealed.text, ...marked };
  }

  /**
   * Keeps a bundle; the same one again costs nothing.
   *
   * @returns `no_seal_key` when it holds secrets and there is no key to seal them with: then nothing
   *   has changed.
   */
  publish(bundle: EdgeBundle): Promise<"no_seal_key" | undefined> {
    const published = this.#last.then(() => this.#publish(bundle));
    this.#last = published.catch(() => undefined);
    return published;
  }

  /** Something else that isolates know by the version of the bundle has changed. */
  touch(): void {
    const current = this.#current();
    if (current.version > 0) this.#keep({ ...current, version: current.version + 1 });
  }

  async #publish(bundle: EdgeBundle): Promise<"no_seal_key" | undefined> {
    if (this.#sealer !== undefined) await this.#publishSealed(bundle, this.#sealer);
    else if (holdsSecrets(bundle)) return "no_seal_key";
    else await this.#publishOpen(bundle);
    return undefined;
  }

  async #publishOpen(bundle: EdgeBundle): Promise<void> {
    const { sealed, marks, bundle: before } = this.#current();
    const isSame = JSON.stringify(before) === JSON.stringify(bundle);
    if (isSame && sealed === undefined && marks !== undefined) return;
    const made = await marksOf(bundle, digestOf);
    const formerHooks = formerHooksOf(this.#current(), bundle);
    this.#keep({ version: this.version + 1, bundle, marks: made, formerHooks });
  }

  async #publishSealed(bundle: EdgeBundle, sealer: Sealer): Promise<void> {
    const fingerprint = await sealer.fingerprint(JSON.stringify(bundle));
    const { sealed: before, marks } = this.#current();
    if (before?.fingerprint === fingerprint && marks !== undefined) return;
    const { routes, outageAlert, ...rest } = bundle;
    const secret = JSON.stringify({ routes, outageAlert });
    const made = await marksOf(bundle, (text) => sealer.fingerprint(text));
    const sealed = await sealer.seal(this.version + 1, secret);
    this.#keep({
      // Counted again: a key may have come or gone meanwhile.
      version: this.version + 1,
      bundle: { ...rest, routes: [] },
      sealed: { text: sealed, fingerprint },
      marks: made,
      formerHooks: formerHooksOf(this.#current(), bundle),
    });
  }

  #keep(stored: Stored): void {
    this.#shelf.write(NAME, stored);
    this.#stored = stored;
    this.#digests = undefined;
    this.#marks = undefined;
  }

  #current(): Stored {
    this.#stored ??= this.#read() ?? NOTHING;
    return this.#stored;
  }

  /** What another version has written and this one cannot read is published anew by the core. */
  #read(): Stored | undefined {
    try {
      return this.#shelf.read(NAME, Stored);
    } catch (error) {
      logLine("error", { event: "bundle_unreadable", ...errorFacts(error) });
      return undefined;
    }
  }
}

/**
 * Says nothing of a route to who cannot make such marks; without a key it holds no secret. A route
 * that is somewhere else is another one.
 */
function marksOf(
  { routes, hooksPath = "" }: EdgeBundle,
  markOf: (text: string) => Promise<string>,
): Promise<string[]> {
  return Promise.all(routes.map((route) => markOf(hooksPath + JSON.stringify(route))));
}

/** `HOOKS_PATH` is nobody else's in any case. @returns Undefined: there are none. */
function formerHooksOf(before: Stored, { hooksPath }: EdgeBundle): string[] | undefined {
  const all = new Set([before.bundle.hooksPath ?? HOOKS_PATH, ...(before.formerHooks ?? [])]);
  const former = [...all].filter((one) => one !== HOOKS_PATH && one !== hooksPath);
  return former.length === 0 ? undefined : former.slice(0, MAX_FORMER_HOOKS);
}

/** Digests and public keys give nothing away; what signs, and a request made ready, does. */
function holdsSecrets({ routes, outageAlert }: EdgeBundle): boolean {
  if (outageAlert !== undefined) return true;
  return routes.some(({ verification }) => {
    return "secrets" in verification && verification.secrets.length > 0;
  });
}
