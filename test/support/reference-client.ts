import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { GatewayClient } from "@openclaw/gateway-client";

type Options = ConstructorParameters<typeof GatewayClient>[0];
type Deps = NonNullable<Options["hostDeps"]>;

/** What a host of the reference client keeps: a key, and the tokens it was given. */
export interface ReferenceHost {
  readonly deviceId: string;
  /** By role. */
  readonly tokens: Map<string, { readonly token: string; readonly scopes: string[] }>;
  readonly options: Pick<Options, "deviceIdentity" | "hostDeps">;
}

export function createReferenceHost(): ReferenceHost {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(12);
  const deviceId = createHash("sha256").update(raw).digest("hex");
  const tokens = new Map<string, { readonly token: string; readonly scopes: string[] }>();
  const hostDeps: Deps = {
    signDevicePayload: (pem, payload) =>
      sign(null, Buffer.from(payload), pem).toString("base64url"),
    publicKeyRawBase64UrlFromPem: () => raw.toString("base64url"),
    loadDeviceAuthToken: ({ role }) => tokens.get(role) ?? null,
    storeDeviceAuthToken: ({ role, token, scopes }) => void tokens.set(role, { token, scopes }),
    clearDeviceAuthToken: ({ role }) => void tokens.delete(role),
  };
  const deviceIdentity = {
    deviceId,
    privateKeyPem: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    publicKeyPem: publicKey.export({ format: "pem", type: "spki" }).toString(),
  };
  return { deviceId, tokens, options: { deviceIdentity, hostDeps } };
}

type Hello = Parameters<NonNullable<Options["onHelloOk"]>>[0];

export interface ReferenceClient extends AsyncDisposable {
  readonly hello: Hello;
  readonly client: GatewayClient;
  /** Resolves when the socket is closed by the gateway. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

/** The published client, through its handshake. Rejects with what the gateway said. */
export async function connectReference(options: Options): Promise<ReferenceClient> {
  const hello = Promise.withResolvers<Hello>();
  const closed = Promise.withResolvers<{ readonly code: number; readonly reason: string }>();
  const client = new GatewayClient({
    ...options,
    onHelloOk: hello.resolve,
    onConnectError: hello.reject,
    onClose: (code, reason) => closed.resolve({ code, reason }),
  });
  client.start();
  try {
    const greeting = await hello.promise;
    return {
      hello: greeting,
      client,
      closed: closed.promise,
      [Symbol.asyncDispose]: () => client.stopAndWait(),
    };
  } catch (error) {
    await client.stopAndWait();
    throw error;
  }
}
