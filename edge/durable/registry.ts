import * as z from "zod";
import { EdgeBundle } from "../../shared/edge-bundle.ts";
import { LIMITS } from "../../shared/limits.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import {
  createTunnelKey,
  importTunnelKey,
  PrivateJwk,
  type TunnelKey,
} from "../../shared/tunnel/handshake.ts";
import type { BundleAnswer, CallOf, PairAnswer } from "../relay-call.ts";

const Key = z.object({
  kid: z.string(),
  publicKey: z.string(),
  addedAt: z.number(),
  /** The pairing secret that let it in, by its digest: one secret lets in one key. */
  secretDigest: z.string(),
});

const Nonces = z.array(z.object({ nonce: z.string(), at: z.number() }));

const StoredBundle = z.object({ version: z.number(), bundle: EdgeBundle });

/** A core that connects more often than this within the memory of nonces is broken. */
const MAX_NONCES = 200;

export type PairError = "secret_used" | "too_many_keys" | "replayed";

/** What the relay knows for good: keys of cores, its own key, the bundle, used nonces. */
export class Registry {
  readonly #sql: SqlStorage;
  #stored: z.output<typeof StoredBundle> | undefined;
  #digests: ReadonlySet<string> | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID");
  }

  /** Every core key that may connect, and the newest bundle. */
  answer(): BundleAnswer {
    const { version, bundle } = this.#bundle();
    return {
      version,
      bundle: version === 0 ? null : bundle,
      keys: this.#keys().map(({ kid, publicKey }) => ({ kid, publicKey })),
    };
  }

  get bundleVersion(): number {
    return this.#bundle().version;
  }

  get rate(): EdgeBundle["rate"] {
    return this.#bundle().bundle.rate;
  }

  /** Whether a token that an isolate let in is still good here, where revocations arrive first. */
  accepts(digest: string): boolean {
    this.#digests ??= new Set(this.#bundle().bundle.verifiers.map((verifier) => verifier.digest));
    return this.#digests.has(digest);
  }

  /** Keeps a bundle; the same one again costs nothing. */
  publish(bundle: EdgeBundle): void {
    const { version, bundle: before } = this.#bundle();
    if (version > 0 && JSON.stringify(before) === JSON.stringify(bundle)) return;
    this.#stored = { version: version + 1, bundle };
    this.#digests = undefined;
    this.#write("bundle", this.#stored);
  }

  /** Lets a core's key in, or says why not. The same key again is welcome. */
  async pair(call: CallOf<"pair">, now: number): Promise<Result<PairAnswer, PairError>> {
    if (!this.useNonce(call.kid, call.nonce, now)) return err("replayed");
    const keys = this.#keys();
    if (!keys.some((key) => key.kid === call.kid)) {
      if (keys.some((key) => key.secretDigest === call.secretDigest)) return err("secret_used");
      if (keys.length >= LIMITS.maxCoreKeys) return err("too_many_keys");
      const { kid, publicKey, secretDigest } = call;
      this.#write("keys", [...keys, { kid, publicKey, secretDigest, addedAt: now }]);
    }
    const own = await this.edgeKey();
    return ok({ edgeKey: own.publicKey });
  }

  /** False when this nonce was used before: somebody repeats a request they have overheard. */
  useNonce(kid: string, nonce: string, now: number): boolean {
    const name = `nonces:${kid}`;
    const known = this.#read(name, Nonces) ?? [];
    const live = known.filter((used) => now - used.at < LIMITS.nonceMemoryMs);
    if (live.length >= MAX_NONCES || live.some((used) => used.nonce === nonce)) return false;
    this.#write(name, [...live, { nonce, at: now }]);
    return true;
  }

  /** The edge's own identity, made on first use. */
  async edgeKey(): Promise<TunnelKey> {
    const kept = this.#read("edge-key", PrivateJwk);
    if (kept !== undefined) return importTunnelKey(kept);
    const { jwk } = await createTunnelKey();
    // Two first requests at once: the one that wrote first wins.
    const winner = this.#read("edge-key", PrivateJwk) ?? jwk;
    if (winner === jwk) this.#write("edge-key", jwk);
    return importTunnelKey(winner);
  }

  #bundle(): z.output<typeof StoredBundle> {
    this.#stored ??= this.#read("bundle", StoredBundle) ?? {
      version: 0,
      bundle: {
        verifiers: [],
        routes: [],
        rate: { perSecond: LIMITS.ratePerSecond, burst: LIMITS.rateBurst },
      },
    };
    return this.#stored;
  }

  #keys(): z.output<typeof Key>[] {
    return this.#read("keys", z.array(Key)) ?? [];
  }

  #read<T>(name: string, schema: z.ZodType<T>): T | undefined {
    const [row] = this.#sql.exec("SELECT value FROM meta WHERE name = ?", name).toArray();
    return row === undefined ? undefined : schema.parse(JSON.parse(z.string().parse(row["value"])));
  }

  #write(name: string, value: unknown): void {
    this.#sql.exec(
      "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      name,
      JSON.stringify(value),
    );
  }
}
