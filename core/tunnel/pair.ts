import * as z from "zod";
import { randomToken } from "../../shared/bytes.ts";
import { GatewayError, isErrorCode } from "../../shared/errors.ts";
import type { Secret } from "../../shared/secret.ts";
import { signPairing, type TunnelKey, verifyPairProof } from "../../shared/tunnel/handshake.ts";

const PAIR_TIMEOUT_MS = 10_000;
const PairAnswer = z.object({ edgeKey: z.string().min(1), proof: z.string() });
const Problem = z.object({ code: z.string(), detail: z.string() });

/**
 * Introduces our key to an edge with the secret that both were given.
 *
 * @param edge - Base URL of the edge.
 * @param at - Unix ms by the edge's clock, as far as we know it.
 * @returns The edge's own key, to be pinned.
 * @throws GatewayError with the edge's own code, `forbidden` when the answer does not prove that
 *   the edge holds the secret, or `core_lost` when it cannot be reached.
 */
export async function pair(
  edge: URL,
  key: TunnelKey,
  secret: Secret,
  at: number,
): Promise<{ edgeKey: string }> {
  const url = new URL("/tunnel/pair", edge);
  const { kid, publicKey } = key;
  const nonce = randomToken(16);
  const headers = await signPairing(secret, url, { kid, publicKey, nonce, at });
  const response = await request(url, headers);
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) {
    const answer = PairAnswer.safeParse(body);
    const { edgeKey, proof } = answer.success ? answer.data : { edgeKey: "", proof: "" };
    if (await verifyPairProof(secret, proof, { kid, nonce, edgeKey })) return { edgeKey };
    throw new GatewayError("forbidden", "Whoever answered does not hold the pairing secret");
  }
  const problem = Problem.safeParse(body);
  const code = problem.success && isErrorCode(problem.data.code) ? problem.data.code : "internal";
  const detail = problem.success ? problem.data.detail : `status ${response.status}`;
  throw new GatewayError(code, `The edge refused the pairing: ${detail}`);
}

async function request(url: URL, headers: Record<string, string>): Promise<Response> {
  try {
    const signal = AbortSignal.timeout(PAIR_TIMEOUT_MS);
    return await fetch(url, { method: "POST", headers, redirect: "error", signal });
  } catch (cause) {
    throw new GatewayError("core_lost", `No answer from the edge at ${url.host}`, { cause });
  }
}
