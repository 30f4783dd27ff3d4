/** Answers go back to who sent the webhook, by the way it left for that. The shell around the pure rest. */
import { GatewayError } from "../../../shared/errors.ts";
import type { OutboundPiece, Outlet } from "../../channels/channel.ts";
import type { IngressSettings, SenderScheme } from "../../config/ingress/ingress.ts";
import type { Store } from "../../store/store.ts";
import { firstBytes } from "../first-bytes.ts";
import { addressOf } from "./address.ts";
import { type Answered, type Call, callOf, checkTime, messageIdOf, PLATFORM } from "./call.ts";
import { type SplitLimits, splitText } from "./split.ts";

/** Both answer in a fraction of a second. */
const TIMEOUT_MS = 15_000;
/** Of an answer: a message as Discord describes it has some KB. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Discord takes 2,000 characters of a message. Slack cuts off at 40,000, what it escapes included;
 * an address of it works five times, one of which is for a try that went wrong.
 */
const SPLIT: Readonly<Record<SenderScheme, SplitLimits>> = {
  slack: { maxUnits: 12_000, maxPieces: 4 },
  discord: { maxUnits: 2_000, maxPieces: 10 },
};

/** Codes of Node and undici for connections that were never made. */
const NEVER_LEFT: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

export interface OutletParts {
  readonly store: Pick<Store, "webhook" | "webhookBody">;
  readonly ingress: () => Pick<IngressSettings, "senders">;
  readonly fetch: (url: URL, init: RequestInit) => Promise<Response>;
  readonly now: () => number;
}

type Answer = Omit<Answered, "ageMs">;

/** By scheme. A conversation is a webhook of the log, by its `seq` or id: the way back stands nowhere else. */
export function senderOutlets(parts: OutletParts): ReadonlyMap<string, Outlet> {
  const outlets = (["slack", "discord"] as const).map((scheme): [string, Outlet] => [
    scheme,
    {
      id: `sender:${scheme}`,
      split: (text) => splitText(text, SPLIT[scheme]),
      send: (piece, signal) => send(scheme, piece, parts, signal),
    },
  ]);
  return new Map(outlets);
}

async function send(
  scheme: SenderScheme,
  { id, conversation, text }: OutboundPiece,
  { store, ingress, fetch, now }: OutletParts,
  signal: AbortSignal,
): Promise<string> {
  const webhook = await store.webhook(conversation);
  const stored = await store.webhookBody(conversation, 0, webhook?.size ?? 0);
  if (webhook === undefined || stored === undefined) {
    throw new GatewayError("not_found", "The webhook it answers is no longer in the log");
  }
  checkTime(scheme, webhook.receivedAt, now());
  const address = addressOf(scheme, stored.bytes);
  if (address === undefined) {
    throw new GatewayError("not_found", `${PLATFORM[scheme]} has left no way to answer it`);
  }
  const call = callOf(address, text, isFirst(id, webhook.id), ingress().senders);
  const answered = await exchange(scheme, call, fetch, signal);
  return messageIdOf(scheme, { ...answered, ageMs: now() - webhook.receivedAt });
}

/** Whether a piece takes the place of "thinking…"; a row whose id was taken has `#n` behind it. */
function isFirst(piece: string, webhook: string): boolean {
  return piece === `${webhook}/0` || piece === `${webhook.replace(/#\d+$/, "")}/0`;
}

/** @throws GatewayError overloaded when it did not arrive, or may be said again. Any other: nobody knows. */
async function exchange(
  scheme: SenderScheme,
  call: Call,
  fetch: OutletParts["fetch"],
  stop: AbortSignal,
): Promise<Answer> {
  const tried = await attempt(
    call,
    fetch,
    AbortSignal.any([stop, AbortSignal.timeout(TIMEOUT_MS)]),
  );
  if ("status" in tried) return tried;
  const { code } = tried;
  const message = `${PLATFORM[scheme]} gave no answer${code === undefined ? "" : `: ${code}`}`;
  if (call.isRepeatable || NEVER_LEFT.has(code ?? "")) {
    throw new GatewayError("overloaded", message);
  }
  throw new Error(message);
}

async function attempt(
  { url, method, body }: Call,
  fetch: OutletParts["fetch"],
  signal: AbortSignal,
): Promise<Answer | { readonly code: string | undefined }> {
  const headers = { "Content-Type": "application/json; charset=utf-8" };
  try {
    // Where the platform sends us on to could be anywhere.
    const response = await fetch(url, { method, headers, body, signal, redirect: "manual" });
    return {
      status: response.status,
      retryAfter: response.headers.get("Retry-After"),
      // The status alone says whether it arrived.
      body: await firstBytes(response, MAX_ANSWER_BYTES).catch(() => new Uint8Array()),
    };
  } catch (error) {
    return { code: codeOf(error) };
  }
}

/** `fetch` hides why in its cause. Neither may be told whole: the address is a credential. */
function codeOf(error: unknown): string | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return typeof code === "string" ? code.slice(0, 64) : undefined;
}
