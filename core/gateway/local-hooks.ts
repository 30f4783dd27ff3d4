import { GatewayError } from "../../shared/errors.ts";
import { requestId } from "../../shared/request-id.ts";
import type { Authenticator, Origin } from "./auth.ts";
import type { WebhookPost } from "./deliver.ts";
import { MAX_HOOK_BYTES } from "./edge-bundle.ts";

/** Webhooks posted at our own port; those posted at the edge come out of the tunnel verified. */
export interface LocalHooks {
  /** Where they are posted: `/hooks`. */
  readonly path: string;
  /** Knows the hooks token, which opens nothing else. */
  readonly authenticator: Authenticator;
  /** @returns True when the webhook was new. */
  readonly takeIn: (post: WebhookPost) => Promise<boolean>;
}

/**
 * Answers `POST <path>/<name>` once the webhook is committed. A repeated `Idempotency-Key` is
 * answered like the first time and done once.
 *
 * @throws GatewayError
 */
export async function answerHook(
  request: Request,
  name: string,
  origin: Origin,
  { authenticator, takeIn }: LocalHooks,
): Promise<Response> {
  if (origin.via !== "local") throw new GatewayError("not_found", "No such route");
  const { headers } = request;
  const token = headers.get("X-OpenClaw-Token");
  authenticator.callerOf(origin, token === null ? headers.get("Authorization") : `Bearer ${token}`);
  const id = requestId(headers.get("Idempotency-Key"));
  // Each on a lane of its own: strangers' work has no order among itself.
  await takeIn({ id, route: name, lane: `hook:${id}`, body: await smallBody(request) });
  return Response.json(name === "wake" ? { ok: true, mode: "now" } : { ok: true, runId: id });
}

async function smallBody(request: Request): Promise<Uint8Array> {
  const announced = Number(request.headers.get("Content-Length") ?? 0);
  const body = announced > MAX_HOOK_BYTES ? undefined : await request.bytes();
  if (body === undefined || body.byteLength > MAX_HOOK_BYTES) {
    throw new GatewayError("too_large", `A webhook may have ${MAX_HOOK_BYTES} bytes`);
  }
  return body;
}
