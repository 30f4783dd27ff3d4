import { type ErrorCode, GatewayError } from "../../../shared/errors.ts";
import { deliveryOf } from "../../../shared/ingress/items.ts";
import type { ReceivedWebhook, Refusal, WebhookItem } from "../../../shared/ingress/scheme.ts";
import { LIMITS } from "../../../shared/limits.ts";
import type { Completions } from "../../webhooks/completions.ts";
import type { WebhookDesk } from "../../webhooks/desk.ts";
import type { DeskRoute } from "../../webhooks/route-table.ts";
import { verifyHere } from "../../webhooks/verify.ts";
import type { Fault } from "../../webhooks/refusals.ts";
import type { Origin } from "../auth/auth.ts";
import type { LocalAdmission } from "./local-admission.ts";
import { isDirect } from "../port/peer.ts";
import { failedHook, hookAnswer, methodNotAllowed, unauthorized } from "./local-hook-answers.ts";
import { asksForCompletion, withCompletion } from "./local-hook-completion.ts";
import type { Lockout } from "../auth/lockout.ts";

/** A body that takes longer than this is not meant to end. */
const BODY_TIMEOUT_MS = 30_000;

/** Webhooks posted at our own port; those posted at the edge come out of the tunnel verified. */
export interface LocalHooks {
  /** Where they are posted: `/hooks`. */
  readonly path: string;
  readonly desk: Pick<WebhookDesk, "route" | "takeVerified" | "refusals"> & {
    readonly completions: Pick<Completions, "seat">;
  };
  readonly admission: LocalAdmission;
  /** Counts wrong tokens: whoever may guess for ever guesses right. */
  readonly lockout: Lockout;
  /** Whether programs of this machine may fail as often as they like. */
  readonly exemptLoopback: boolean;
  readonly now: () => number;
}

/** Who calls from where. */
type LocalOrigin = Extract<Origin, { readonly via: "local" }>;

/**
 * Answers `<path>/<name>` once the webhook is committed; its sender is verified here, by the same
 * rules as at the edge. A webhook that comes again is answered like the first time and done once.
 *
 * @throws GatewayError
 */
export async function answerHook(
  request: Request,
  name: string,
  origin: Origin,
  hooks: LocalHooks,
): Promise<Response> {
  // What comes through the edge was verified there, or not at all: it has no way in here.
  const route = origin.via === "local" ? await hooks.desk.route(name) : undefined;
  if (origin.via !== "local" || route === undefined) {
    throw new GatewayError("not_found", "No such route");
  }
  try {
    return await answer(request, route, origin, hooks);
  } catch (error) {
    const fault = error instanceof GatewayError ? FAULTS.get(error.code) : undefined;
    if (fault !== undefined) note(fault, route, origin, hooks);
    return failedHook(route, error);
  }
}

/** What each way of being refused is counted as. */
const FAULTS: ReadonlyMap<ErrorCode, Fault> = new Map([
  ["unsupported_media_type", "content_type"],
  ["too_large", "too_large"],
  ["too_slow", "slow"],
  ["invalid_request", "malformed"],
  ["rate_limited", "rate_limited"],
]);

function note(
  fault: Fault,
  { name }: DeskRoute,
  { requestId }: LocalOrigin,
  { desk }: LocalHooks,
): void {
  desk.refusals.note(name, fault, { requestId });
}

async function answer(
  request: Request,
  route: DeskRoute,
  origin: LocalOrigin,
  hooks: LocalHooks,
): Promise<Response> {
  const url = new URL(request.url);
  const stranger = hooks.admission.refusal(route, origin.ip);
  if (stranger !== undefined) {
    note(stranger, route, origin, hooks);
    throw new GatewayError("forbidden", "This webhook is not taken from there");
  }
  if (request.method === "GET" && route.scheme.challenge !== undefined) {
    return route.scheme.challenge(url);
  }
  const method = route.methods.find((one) => one === request.method);
  if (method === undefined) {
    note("method", route, origin, hooks);
    return methodNotAllowed(route);
  }
  checkHead(route, request.headers, url);
  const unread = { route: route.name, method, url, headers: request.headers, now: hooks.now() };
  const guard = guardOf(route, origin, hooks);
  guard.check();
  const screened = await route.scheme.screen(unread.headers, unread.now);
  if (!screened.ok) return guard.refuse(screened.error);
  const webhook = { ...unread, body: await bodyOf(request, route.maxBodyBytes) };
  const proof = await verifyHere(route, webhook);
  if (!proof.ok) return guard.refuse(proof.error);
  guard.pass();
  const { secret } = proof.value;
  const tested = route.scheme.handshake(webhook);
  if (tested !== undefined) return tested;
  if (!asksForCompletion(route, webhook.body)) return take(webhook, route, origin, hooks, secret);
  // Before it is kept: nobody is to be told after that it was not.
  using seat = hooks.desk.completions.seat();
  const kept = await take(webhook, route, origin, hooks, secret);
  return await withCompletion(kept, (id) => seat.ending(id, request.signal));
}

async function take(
  webhook: ReceivedWebhook,
  route: DeskRoute,
  { ip, requestId }: LocalOrigin,
  { desk, admission, now }: LocalHooks,
  secret: number,
): Promise<Response> {
  const items = await route.scheme.identify(webhook);
  if (!items.ok) {
    throw new GatewayError("invalid_request", `Not a webhook of ${route.scheme.name}`);
  }
  if (items.value.length === 0) return accepted(route, webhook, []);
  const retryAfterMs = admission.take(route, now());
  if (retryAfterMs > 0) {
    throw new GatewayError("rate_limited", "More webhooks than this route takes", { retryAfterMs });
  }
  const named = await deliveryOf(route, items.value, webhook);
  const delivered = await desk.takeVerified(route, {
    ...named,
    route: route.name,
    receivedAt: webhook.now,
    requestId,
    secret,
    method: webhook.method,
    query: webhook.url.search,
    ip,
    syncMs: route.syncMs,
    attempts: 0,
    headers: webhook.headers,
    body: webhook.body,
    verifiedBy: "core",
  });
  if (typeof delivered === "string") return accepted(route, webhook, items.value);
  const { status, contentType, body } = delivered;
  return new Response(body.byteLength === 0 ? null : body, {
    status,
    headers: contentType === "" ? {} : { "Content-Type": contentType },
  });
}

function accepted(
  route: DeskRoute,
  webhook: ReceivedWebhook,
  items: readonly WebhookItem[],
): Response {
  return hookAnswer(route) ?? route.scheme.accepted(webhook, items);
}

/** @throws GatewayError unsupported_media_type, or invalid_request for a token where logs would keep it. */
function checkHead(route: DeskRoute, headers: Headers, url: URL): void {
  if (route.scheme.name === "bearer" && url.searchParams.has("token")) {
    throw new GatewayError("invalid_request", "The token belongs in a header, not in the address");
  }
  const [type = ""] = (headers.get("Content-Type") ?? "").split(";");
  const isKnown = route.contentTypes?.includes(type.trim().toLowerCase()) ?? true;
  if (!isKnown) throw new GatewayError("unsupported_media_type", "Not what this webhook takes");
}

/** Secrets that are shown as they are, and so could be guessed; a signature cannot. */
const GUESSABLE: ReadonlySet<string> = new Set(["bearer", "basic", "header", "telegram", "gitlab"]);

/** Who may go on trying. */
interface Guard {
  /** @throws GatewayError rate_limited */
  check(): void;
  refuse(refusal: Refusal): Response;
  pass(): void;
}

function guardOf(route: DeskRoute, origin: LocalOrigin, hooks: LocalHooks): Guard {
  const { ip } = origin;
  const { lockout, exemptLoopback, now } = hooks;
  // Asked where it makes a difference: to find out takes its time.
  const counts = (): boolean =>
    GUESSABLE.has(route.scheme.name) && !(exemptLoopback && isDirect(origin));
  return {
    check() {
      const retryAfterMs = lockout.lockedForMs(ip, now());
      if (retryAfterMs === 0 || !counts()) return;
      throw new GatewayError("rate_limited", "Too many wrong tokens from here", { retryAfterMs });
    },
    refuse({ reason }) {
      note(reason, route, origin, hooks);
      if (counts()) lockout.fail(ip, now());
      return unauthorized(route);
    },
    pass() {
      if (lockout.knows(ip) && counts()) lockout.succeed(ip);
    },
  };
}

async function bodyOf(request: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = (): GatewayError =>
    new GatewayError("too_large", `This webhook may have ${maxBytes} bytes`);
  if (
    Number(request.headers.get("Content-Length") ?? 0) > Math.min(maxBytes, LIMITS.maxWebhookBytes)
  ) {
    throw tooLarge();
  }
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new GatewayError("too_slow", "The body took too long")),
    BODY_TIMEOUT_MS,
  );
  try {
    const body = new Uint8Array(await Promise.race([request.arrayBuffer(), late.promise]));
    if (body.byteLength > maxBytes) throw tooLarge();
    return body;
  } finally {
    clearTimeout(timer);
  }
}
