import * as z from "zod/mini";
import type { EdgeBundle } from "../../shared/edge-bundle.ts";
import { LIMITS } from "../../shared/limits.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import {
  createTunnelKey,
  importTunnelKey,
  PrivateJwk,
  type TunnelKey,
} from "../../shared/tunnel/handshake.ts";
import { randomToken } from "../../shared/bytes.ts";
import { logLine } from "../log.ts";
import type { BundleAnswer, CallOf, IdentityAnswer, PairAnswer, Ticket } from "../relay-call.ts";
import type { Sealer } from "../seal.ts";
import { KeptBundle } from "./kept-bundle.ts";
import type { Fence } from "./leadership.ts";

const Key = z.object({
  kid: z.string(),
  publicKey: z.string(),
  addedAt: z.number(),
  /** The pairing secret that let it in, by its digest: one secret lets in one key. */
  secretDigest: z.string(),
});

/** A key that was let in once and never will be again; its pairing secret neither. */
const Revoked = z.object({ kid: z.string(), secretDigest: z.string() });

const Leads = z.array(z.object({ store: z.string(), epoch: z.number() }));
const Text = z.string();
const Tickets = z.array(z.object({ nonce: z.string(), exp: z.number() }));

const Nonces = z.array(z.object({ nonce: z.string(), at: z.number() }));

/** A core that connects more often than this within the memory of nonces is broken. */
const MAX_NONCES = 200;
/** Tickets live for seconds: so many at once are a flood of a caller who is let in. */
const MAX_TICKETS = 1_000;
/** Stores whose last lead is remembered: the core's own, its standbys', those before them. */
const MAX_LEADS = 8;
/** Revoked keys remembered; the oldest go first. */
const MAX_REVOKED = 100;

export type PairError = "secret_used" | "too_many_keys" | "replayed";

/** What the relay knows for good: keys of cores, its own key, the bundle, used nonces. */
export class Registry {
  readonly #sql: SqlStorage;
  readonly #bundle: KeptBundle;

  /** @param sealer - Undefined without a `SEAL_KEY`: then no bundle with secrets is taken. */
  constructor(sql: SqlStorage, sealer: Sealer | undefined) {
    this.#sql = sql;
    this.#bundle = new KeptBundle(
      {
        read: (name, schema) => this.#read(name, schema),
        write: (name, value) => this.#write(name, value),
      },
      sealer,
    );
    sql.exec("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID");
  }

  /** Every core key that may connect, and the newest bundle. */
  answer(): BundleAnswer {
    return {
      ...this.#bundle.answer(),
      keys: this.keys().map(({ kid, publicKey }) => ({ kid, publicKey })),
      sessionKey: this.sessionKey(),
    };
  }

  /** The newest lead that was taken here with this store. */
  fence(store: string): Fence | undefined {
    return this.#leads().find((lead) => lead.store === store);
  }

  remember(fence: Fence): void {
    if (this.fence(fence.store)?.epoch === fence.epoch) return;
    const others = this.#leads().filter(({ store }) => store !== fence.store);
    this.#write("leads", [...others, fence].slice(-MAX_LEADS));
  }

  /** Whether a core worked here when somebody last said so. */
  get served(): boolean {
    return this.#read("serves", z.boolean()) ?? false;
  }

  serves(does: boolean): void {
    try {
      if (this.served !== does) this.#write("serves", does);
    } catch (error) {
      // A hint, and no reason to lose the tunnel when storage fails.
      logLine("error", { event: "not_written", err: String(error) });
    }
  }

  get bundleVersion(): number {
    return this.#bundle.version;
  }

  get rate(): EdgeBundle["rate"] {
    return this.#bundle.rate;
  }

  get routing(): EdgeBundle["routing"] {
    return this.#bundle.routing;
  }

  /** Whether a token that an isolate let in is still good here, where revocations arrive first. */
  accepts(digest: string): boolean {
    return this.#bundle.hasVerifier(digest);
  }

  /** The same for the route by which an isolate has judged a webhook; without a mark it cannot tell. */
  hasRoute(mark: string | undefined): boolean {
    return this.#bundle.hasRoute(mark);
  }

  /** Keeps a bundle, or says why not; those that come at the same time are kept in their order. */
  publish(bundle: EdgeBundle): Promise<"no_seal_key" | undefined> {
    return this.#bundle.publish(bundle);
  }

  /** Lets a core's key in, or says why not. The same key again is welcome. */
  async pair(call: CallOf<"pair">, now: number): Promise<Result<PairAnswer, PairError>> {
    if (!this.useNonce(call.kid, call.nonce, now)) return err("replayed");
    const keys = this.keys();
    if (!keys.some((key) => key.kid === call.kid)) {
      const before = [...keys, ...this.#revoked()];
      if (before.some((key) => key.secretDigest === call.secretDigest)) return err("secret_used");
      if (keys.length >= LIMITS.maxCoreKeys) return err("too_many_keys");
      const { kid, publicKey, secretDigest } = call;
      this.#writeKeys([...keys, { kid, publicKey, secretDigest, addedAt: now }]);
    }
    const own = await this.edgeKey();
    return ok({ edgeKey: own.publicKey });
  }

  /**
   * Whether a core with this key may connect here. The Worker has checked the key by what its first
   * relay knows: another relay learns it from that.
   */
  admits({ kid, publicKey, relay, relays }: CallOf<"tunnel">, now: number): boolean {
    const keys = this.keys();
    if (keys.some((key) => key.kid === kid)) return true;
    // The last key is never revoked: a first relay without any has just taken another's place.
    const isJudge = keys.length > 0 && relays?.split(" ")[0] === relay;
    if (isJudge || this.#revoked().some((key) => key.kid === kid)) return false;
    // A key that was rotated away at the first relay makes room here.
    const others = keys.slice(1 - LIMITS.maxCoreKeys);
    this.#writeKeys([...others, { kid, publicKey, secretDigest: "", addedAt: now }]);
    return true;
  }

  /** Lets in one more key of the core. */
  addKey(key: { kid: string; publicKey: string }, now: number): Result<void, "too_many_keys"> {
    const keys = this.keys();
    if (keys.some(({ kid }) => kid === key.kid)) return ok(undefined);
    if (keys.length >= LIMITS.maxCoreKeys) return err("too_many_keys");
    this.#write(
      "revoked",
      this.#revoked().filter(({ kid }) => kid !== key.kid),
    );
    this.#writeKeys([...keys, { ...key, secretDigest: "", addedAt: now }]);
    return ok(undefined);
  }

  /** Locks a key out for good. */
  revokeKey(kid: string): Result<void, "unknown_key" | "last_key"> {
    const keys = this.keys();
    const gone = keys.find((key) => key.kid === kid);
    if (gone === undefined) return err("unknown_key");
    if (keys.length === 1) return err("last_key");
    const { secretDigest } = gone;
    this.#write("revoked", [...this.#revoked(), { kid, secretDigest }].slice(-MAX_REVOKED));
    this.#writeKeys(keys.filter((key) => key.kid !== kid));
    return ok(undefined);
  }

  /** False when this ticket was used before, or is past its time. */
  useTicket({ nonce, exp }: Ticket, now: number): boolean {
    const live = (this.#read("tickets", Tickets) ?? []).filter((used) => used.exp > now);
    const isNew = exp > now && !live.some((used) => used.nonce === nonce);
    if (!isNew || live.length >= MAX_TICKETS) return false;
    this.#write("tickets", [...live, { nonce, exp }]);
    return true;
  }

  /** What all relays of the edge share. */
  async identity(): Promise<IdentityAnswer> {
    await this.edgeKey();
    const edgeKey = this.#read("edge-key", PrivateJwk);
    if (edgeKey === undefined) throw new Error("the edge key was not kept");
    return { edgeKey, sessionKey: this.sessionKey() };
  }

  /** Takes over what the first relay is, unless this one is somebody already. */
  adopt({ edgeKey, sessionKey }: IdentityAnswer): void {
    if (this.#read("edge-key", PrivateJwk) !== undefined) return;
    this.#write("edge-key", edgeKey);
    this.#write("session-key", sessionKey);
  }

  get hasIdentity(): boolean {
    return this.#read("edge-key", PrivateJwk) !== undefined;
  }

  /** Signs cookies and tickets. */
  sessionKey(): string {
    const kept = this.#read("session-key", Text);
    if (kept !== undefined) return kept;
    const made = randomToken();
    this.#write("session-key", made);
    return made;
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

  /** Of the core: those that may connect. */
  keys(): z.output<typeof Key>[] {
    return this.#read("keys", z.array(Key)) ?? [];
  }

  #leads(): z.output<typeof Leads> {
    return this.#read("leads", Leads) ?? [];
  }

  #revoked(): z.output<typeof Revoked>[] {
    return this.#read("revoked", z.array(Revoked)) ?? [];
  }

  /** Isolates learn of it by the version, as of a new bundle. */
  #writeKeys(keys: readonly z.output<typeof Key>[]): void {
    this.#write("keys", keys);
    this.#bundle.touch();
  }

  #read<T>(name: string, schema: z.ZodMiniType<T>): T | undefined {
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
