import * as z from "zod";
import { randomToken } from "../../../shared/bytes.ts";
import { GatewayError, isErrorCode } from "../../../shared/errors.ts";
import { jsonOrUndefined } from "../../../shared/json.ts";
import type { Secret } from "../../../shared/secret.ts";
import { signPairing, type TunnelKey, verifyPairProof } from "../../../shared/tunnel/handshake.ts";
import { consequenceOf } from "../relay/ending.ts";
import { type Answer, post, type Way } from "../relay/way.ts";

const PAIR_TIMEOUT_MS = 10_000;
const PairAnswer = z.object({ edgeKey: z.string().min(1), proof: z.string() });
const Problem = z.object({ code: z.string(), detail: z.string() });

export type Pairing =
  | { readonly paired: true; readonly edgeKey: string }
  /** Our clock is wrong: Unix ms by the edge's. */
  | { readonly paired: false; readonly serverTime: number };

/**
 * Introduces our key to an edge with the secret that both were given.
 *
 * @param edge - Base URL of the edge.
 * @param at - Unix ms by the edge's clock, as far as we know it.
 * @returns The edge's own key, to be pinned, or the edge's time.
 * @throws GatewayError with the edge's own code, `forbidden` when the answer does not prove that
 *   the edge holds the secret, or `core_lost` when it cannot be reached.
 */
export async function pair(
  edge: URL,
  key: TunnelKey,
  secret: Secret,
  at: number,
  way: Way,
): Promise<Pairing> {
  const url = new URL("/tunnel/pair", edge);
  const { kid, publicKey } = key;
  const nonce = randomToken(16);
  const headers = await signPairing(secret, url, { kid, publicKey, nonce, at });
  const answer = await send(url, headers, way);
  const body = jsonOrUndefined(answer.text);
  if (answer.status === 200) {
    const paired = PairAnswer.safeParse(body);
    const { edgeKey, proof } = paired.success ? paired.data : { edgeKey: "", proof: "" };
    if (await verifyPairProof(secret, proof, { kid, nonce, edgeKey })) {
      return { paired: true, edgeKey };
    }
    throw new GatewayError("forbidden", "Whoever answered does not hold the pairing secret");
  }
  const problem = Problem.safeParse(body);
  const serverTime = Date.parse(answer.headers.date ?? "");
  if (problem.data?.code === "clock_skew" && !Number.isNaN(serverTime)) {
    return { paired: false, serverTime };
  }
  throw refusal(answer, body, way);
}

function refusal({ status, headers }: Answer, body: unknown, way: Way): GatewayError {
  const problem = Problem.safeParse(body);
  if (problem.success && isErrorCode(problem.data.code)) {
    const { code, detail } = problem.data;
    return new GatewayError(code, `The edge refused the pairing: ${detail.slice(0, 300)}`);
  }
  const { message } = consequenceOf({
    reason: "refused",
    status,
    code: "",
    detail: "",
    location: headers.location ?? "",
    proxy: way.refusedBy() === undefined ? undefined : way.proxy,
    serverTime: undefined,
  });
  return new GatewayError("internal", `The pairing did not work: ${message}`);
}

async function send(url: URL, headers: Record<string, string>, way: Way): Promise<Answer> {
  try {
    return await post(url, headers, way, PAIR_TIMEOUT_MS);
  } catch (cause) {
    const through = way.proxy === undefined ? "" : ` through the proxy ${way.proxy}`;
    throw new GatewayError("core_lost", `No answer from the edge at ${url.host}${through}`, {
      cause,
    });
  }
}
