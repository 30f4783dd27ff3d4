import { HOP_BY_HOP } from "../../../shared/hop-by-hop.ts";
import type { Logger } from "pino";
import { backoffMs } from "../../../shared/backoff.ts";
import { LIMITS } from "../../../shared/limits.ts";
import type { IngressSettings, Target } from "../../config/ingress/ingress.ts";
import type { WorkHandler, WorkOutcome } from "../../conversation/work.ts";
import type { Store } from "../../store/store.ts";
import type { WebhookAnswer, WebhookDetail } from "../../store/webhook.ts";
import { firstBytes } from "../first-bytes.ts";
import { ForwardPayload } from "./forward-payload.ts";
import type { InboxItem } from "../../store/entry.ts";

type Forward = Extract<Target, { kind: "forward" }>;

/** Pauses between two tries, doubling: a server that restarts is back in seconds, one that is broken in hours. */
const BACKOFF = { baseMs: 1_000, maxMs: 10 * 60_000 };
/** Longest wait that the server may ask for. */
const MAX_RETRY_AFTER_MS = 3_600_000;
/** A server may think otherwise of the same request later: it is not the request's fault. */
const LATER: ReadonlySet<number> = new Set([408, 409, 421, 425, 429]);
/** A reason goes into the store and is read by people. */
const MAX_REASON_UNITS = 300;
/** Of the connection to the sender, not of what it said. */
const NOT_PASSED_ON: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  "content-length",
  "expect",
  "host",
]);

export interface ForwardParts {
  readonly ingress: () => IngressSettings;
  readonly store: Pick<Store, "webhook" | "webhookBody">;
  readonly fetch: (url: URL, init: RequestInit) => Promise<Response>;
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

/**
 * Posts webhooks on, as they came, to the servers the settings name. Every try has the same
 * `Idempotency-Key`: after a kill nobody knows whether the last one arrived.
 */
export function forwarder(parts: ForwardParts): WorkHandler {
  return async (item, signal) => {
    const payload = ForwardPayload.safeParse(item.payload);
    if (!payload.success) return bury("Not the payload of a webhook to be forwarded");
    const { route, url } = payload.data;
    const id = item.webhook === undefined ? payload.data.webhook : String(item.webhook);
    const target = targetOf(parts.ingress(), route, url);
    if (target === undefined) return bury("The settings forward it nowhere any more");
    const webhook = await parts.store.webhook(id);
    const stored = await parts.store.webhookBody(id, 0, LIMITS.maxWebhookBytes);
    if (webhook === undefined || stored === undefined) return bury("It is no longer in the log");
    const answer = await post({ webhook, body: stored.bytes, item, target, parts, signal });
    parts.log.info(
      { requestId: item.trace, item: item.id, attempt: item.attempt, ...factsOf(answer) },
      "webhook forwarded",
    );
    return outcomeOf(answer, { item, now: parts.now(), random: parts.random });
  };
}

/** What a try has come to. */
type Tried =
  | { readonly answer: WebhookAnswer; readonly retryAfter: string | null }
  /** Nobody knows what the server made of it. */
  | { readonly fault: string };

/**
 * What to do after a try. Pure.
 *
 * @param random - Uniform in [0, 1).
 */
export function outcomeOf(
  tried: Tried,
  { item, now, random }: { item: InboxItem; now: number; random: () => number },
): WorkOutcome {
  if ("answer" in tried) {
    const { status } = tried.answer;
    if (status >= 200 && status < 300) return { do: "finish", answer: tried.answer };
    if (isFinal(status)) return bury(`The server answered ${status}`);
  }
  const reason = "answer" in tried ? `The server answered ${tried.answer.status}` : tried.fault;
  // As long as the edge keeps what it cannot hand over.
  if (now - item.receivedAt > LIMITS.spoolRetentionMs) {
    return bury(`Given up after ${item.attempt} tries: ${reason}`);
  }
  const pauseMs = backoffMs(Math.min(item.attempt - 1, 30), () => 0.5 + random() / 2, BACKOFF);
  const wishedMs = "answer" in tried ? retryAfterMs(tried.retryAfter) : 0;
  return { do: "retry", delayMs: Math.max(pauseMs, wishedMs), reason };
}

function isFinal(status: number): boolean {
  return status < 500 && !LATER.has(status);
}

function retryAfterMs(text: string | null): number {
  const seconds = /^\d{1,9}$/.test(text ?? "") ? Number(text) : 0;
  return Math.min(seconds * 1_000, MAX_RETRY_AFTER_MS);
}

function bury(reason: string): WorkOutcome {
  return { do: "bury", reason };
}

/** What it was addressed to when it came; as the settings are now, with their credentials. */
function targetOf({ routes }: IngressSettings, name: string, url: string): Forward | undefined {
  const targets = routes.find((route) => route.name === name)?.cases.map(({ target }) => target);
  return targets?.find((target): target is Forward => {
    return target.kind === "forward" && target.url.href === url;
  });
}

interface Post {
  readonly webhook: WebhookDetail;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly item: InboxItem;
  readonly target: Forward;
  readonly parts: ForwardParts;
  readonly signal: AbortSignal;
}

async function post({ webhook, body, item, target, parts, signal }: Post): Promise<Tried> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), target.timeoutMs);
  try {
    const response = await parts.fetch(addressOf(target.url, webhook.query), {
      method: webhook.method,
      headers: headersOf(webhook, item, target),
      body,
      // Where it is to go is for the settings to say, not for whoever answers.
      redirect: "manual",
      signal: AbortSignal.any([signal, timeout.signal]),
    });
    const answer = {
      status: response.status,
      contentType: response.headers.get("Content-Type") ?? "",
      body: await firstBytes(response, LIMITS.maxSyncAnswerBytes),
    };
    return { answer, retryAfter: response.headers.get("Retry-After") };
  } catch (error) {
    if (timeout.signal.aborted) return { fault: `No answer within ${target.timeoutMs} ms` };
    return { fault: faultOf(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** The sender's own query counts where ours has none. */
function addressOf(url: URL, query: string): URL {
  const address = new URL(url);
  if (address.search === "") address.search = query;
  return address;
}

function headersOf(webhook: WebhookDetail, item: InboxItem, target: Forward): Headers {
  const headers = new Headers();
  for (const [name, value] of webhook.headers) {
    if (!NOT_PASSED_ON.has(name.toLowerCase())) headers.append(name, value);
  }
  // The sender's own key is among its headers; without one this tells two tries of the same.
  if (!headers.has("Idempotency-Key")) headers.set("Idempotency-Key", webhook.id);
  headers.set("X-Gw-Request-Id", webhook.requestId);
  headers.set("X-Gw-Attempt", String(item.attempt));
  headers.set("X-Gw-Route", webhook.route);
  for (const [name, secret] of target.headers) headers.set(name, secret.reveal());
  return headers;
}

/** `fetch` hides why in its cause; an address or a header must not get out with it. */
function faultOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  const text = typeof code === "string" ? `The server cannot be reached: ${code}` : "No answer";
  return text.slice(0, MAX_REASON_UNITS);
}

function factsOf(tried: Tried): { readonly status: number } | { readonly fault: string } {
  return "answer" in tried ? { status: tried.answer.status } : { fault: tried.fault };
}
