/** What an isolate knows at one time of what its core has published. */
import { HOOKS_PATH, type LoginPolicy, type Verifier } from "../shared/edge-bundle.ts";
import type { OutageAlert } from "../shared/ingress/route.ts";
import { Gate } from "./ingress/gate.ts";
import { createSigner, type Signer } from "./login/signer.ts";
import type { Published } from "./relays/published.ts";

/** What one relay has told. */
export interface Learned {
  readonly relay: string;
  readonly published: Published;
}

/** One published state, never changed: what was derived from it goes away with it. */
export interface Snapshot {
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
  readonly hooksPath: string;
  readonly formerHooks: readonly string[];
  /** Routes were published, but this isolate cannot open them. */
  readonly isLocked: boolean;
  readonly outageAlert: OutageAlert | undefined;
  readonly keys: ReadonlyMap<string, string>;
  readonly login: LoginPolicy | undefined;
  readonly greets: boolean;
  readonly allowedOrigins: readonly string[];
  /** Undefined while the relay has not said with which key. */
  readonly signer: Signer | undefined;
}

/** Before the first. */
export const NOTHING: Omit<Snapshot, "versions"> = {
  source: undefined,
  published: false,
  verifiers: new Map(),
  setupCodes: new Map(),
  routes: new Map(),
  hooksPath: HOOKS_PATH,
  formerHooks: [],
  isLocked: false,
  outageAlert: undefined,
  keys: new Map(),
  login: undefined,
  greets: false,
  allowedOrigins: [],
  signer: undefined,
};

/** Made ready for use. */
export async function snapshotOf({ relay, published }: Learned): Promise<Snapshot> {
  const { version, bundle, keys, sessionKey, isLocked = false } = published;
  const signer = sessionKey === undefined ? undefined : await createSigner(sessionKey);
  return {
    source: relay,
    versions: new Map([[relay, version]]),
    published: bundle !== null,
    verifiers: new Map(bundle?.verifiers.map((verifier) => [verifier.digest, verifier])),
    setupCodes: new Map(bundle?.setupCodes?.map((one) => [one.digest, one.expiresAt])),
    ...hooksOf(published),
    isLocked,
    outageAlert: bundle?.outageAlert,
    keys: new Map(keys.map(({ kid, publicKey }) => [kid, publicKey])),
    login: bundle?.login,
    greets: bundle !== null && bundle.greets !== false,
    allowedOrigins: bundle?.allowedOrigins ?? [],
    signer,
  };
}

function hooksOf({
  bundle,
  marks,
  formerHooks = [],
}: Published): Pick<Snapshot, "routes" | "hooksPath" | "formerHooks"> {
  const gates = bundle?.routes.map((route, index) => new Gate(route, marks?.[index]));
  return {
    routes: new Map(gates?.map((gate) => [gate.route.name, gate])),
    hooksPath: bundle?.hooksPath ?? HOOKS_PATH,
    formerHooks,
  };
}
