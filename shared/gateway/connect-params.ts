/**
 * What a client of the gateway's WebSocket protocol says first. Read at the edge and in the core
 * alike, so that both refuse the same. Strict, because the contract is.
 *
 * Source: ConnectParamsSchema of @openclaw/gateway-protocol 2026.9.1.
 */
import * as z from "zod/mini";

export const PROTOCOL_VERSION = 4;
/** The oldest that a probe or a node may offer. */
export const MIN_PROBE_VERSION = 3;

/** No proven client sends more in its first message; the protocol's own limit. */
export const MAX_HANDSHAKE_BYTES = 64 * 1024;
/** A client says `connect` this soon after the challenge, or it is no client. */
export const HANDSHAKE_TIMEOUT_MS = 15_000;
/** How long a refusal of credentials waits: what it costs a client to guess. */
export const REFUSAL_DELAY_MS = 250;

/** Clients the protocol knows. */
const ClientId = z.enum([
  "webchat-ui",
  "openclaw-control-ui",
  "openclaw-browser-copilot",
  "openclaw-tui",
  "webchat",
  "cli",
  "gateway-client",
  "openclaw-macos",
  "openclaw-linux",
  "openclaw-ios",
  "openclaw-watchos",
  "openclaw-android",
  "node-host",
  "openclaw-worker",
  "test",
  "fingerprint",
  "openclaw-probe",
]);

const ClientMode = z.enum(["webchat", "cli", "ui", "backend", "node", "worker", "probe", "test"]);

const Text = z.string().check(z.maxLength(1024));
const Word = Text.check(z.minLength(1));
const Said = z.optional(Text);
const Words = z.array(Text).check(z.maxLength(64));
const Credential = z.optional(z.string());
const Version = z.int().check(z.minimum(1));

/** A client's proof that it is the device it says it is. */
const DeviceProof = z.strictObject({
  /** SHA-256 of the raw public key, hex. */
  id: Text,
  /** The 32 raw bytes, URL-safe base64. */
  publicKey: Text,
  /** Ed25519, URL-safe base64. */
  signature: Text,
  /** Unix ms: the `ts` of the challenge. */
  signedAt: z.int(),
  nonce: Text,
});
export type DeviceProof = z.output<typeof DeviceProof>;

export const ConnectParams = z.strictObject({
  minProtocol: Version,
  maxProtocol: Version,
  client: z.strictObject({
    id: ClientId,
    version: Word,
    platform: Word,
    mode: ClientMode,
    displayName: Said,
    deviceFamily: Said,
    modelIdentifier: Said,
    instanceId: Said,
    buildId: Said,
    timeZone: Said,
  }),
  role: z._default(Text, "operator"),
  scopes: z._default(Words, []),
  caps: z.optional(Words),
  commands: z.optional(z.array(Text).check(z.maxLength(1024))),
  permissions: z.optional(z.record(z.string(), z.boolean())),
  computerUse: z.optional(z.unknown()),
  workerRuns: z.optional(z.unknown()),
  pathEnv: Credential,
  auth: z._default(
    z.strictObject({
      token: Credential,
      password: Credential,
      deviceToken: Credential,
      bootstrapToken: Credential,
      approvalRuntimeToken: Credential,
      agentRuntimeIdentityToken: Credential,
    }),
    {},
  ),
  device: z.optional(DeviceProof),
  locale: Said,
  userAgent: Said,
});
export type ConnectParams = z.output<typeof ConnectParams>;

/** An open object, so that a newer client's extra fields do no harm. */
export const RequestFrame = z.object({
  type: z.literal("req"),
  id: z.string().check(z.minLength(1), z.maxLength(256)),
  method: z.string().check(z.minLength(1), z.maxLength(128)),
  params: z.optional(z.unknown()),
});
