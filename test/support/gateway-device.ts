import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { proofPayloads } from "../../shared/gateway/device-proof.ts";
import { ConnectParams } from "../../shared/gateway/connect-params.ts";

export interface TestDevice {
  readonly id: string;
  readonly publicKey: string;
  /** The `params` of a `connect`, with the proof that answers this challenge. */
  prove(
    params: unknown,
    challenge: { readonly nonce: string; readonly ts: number },
    change?: { readonly form?: "v2" | "v3" } & Readonly<Record<string, unknown>>,
  ): object;
}

/** A device with a key of its own, which signs as the reference client does. */
export function createDevice(): TestDevice {
  const { privateKey, publicKey: key } = generateKeyPairSync("ed25519");
  const raw = key.export({ format: "der", type: "spki" }).subarray(12);
  const id = createHash("sha256").update(raw).digest("hex");
  const publicKey = raw.toString("base64url");
  return {
    id,
    publicKey,
    prove(params, { nonce, ts }, { form = "v3", ...change } = {}) {
      const device = { id, publicKey, signedAt: ts, nonce, ...change };
      const [v3, v2] = proofPayloads(device, ConnectParams.parse(params));
      const signature = sign(null, Buffer.from(form === "v3" ? v3 : v2), privateKey);
      const said = { signature: signature.toString("base64url"), ...device };
      return { ...Object(params), device: said };
    },
  };
}
