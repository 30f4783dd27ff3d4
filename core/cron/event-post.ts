import type { Secret } from "../../shared/secret.ts";
import { GatewayError } from "../../shared/errors.ts";
import type { Happening } from "./parts.ts";

export interface EventPost {
  /** From the config, never from what happened. */
  readonly url: string;
  readonly token?: Secret | undefined;
  readonly timeoutSeconds: number;
  readonly hook: string;
  readonly happening: Happening;
  /** Unix ms. */
  readonly at: number;
}

/**
 * Posts an event as JSON. It goes where the config says and nowhere else: a redirect is a failure,
 * or whoever answers could send us to an address of this network.
 *
 * @throws GatewayError bad_response when it was not taken.
 */
export async function eventPost(
  { url, token, timeoutSeconds, hook, happening, at }: EventPost,
  fetch: typeof globalThis.fetch,
  stop: AbortSignal,
): Promise<void> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (token !== undefined) headers["authorization"] = `Bearer ${token.reveal()}`;
  const { event, facts } = happening;
  const response = await fetch(url, {
    method: "POST",
    headers,
    body: JSON.stringify({ event, hook, ts: at, ...facts }),
    redirect: "manual",
    signal: AbortSignal.any([stop, AbortSignal.timeout(timeoutSeconds * 1_000)]),
  });
  await response.body?.cancel();
  if (!response.ok) {
    throw new GatewayError("bad_response", `the receiver answered ${response.status}`);
  }
}
