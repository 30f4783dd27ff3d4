/** What a piece of an answer is as a request to the sender's platform, and what its answer means. Pure. */
import * as z from "zod";
import { fromUtf8 } from "../../../shared/bytes.ts";
import { GatewayError } from "../../../shared/errors.ts";
import { jsonOrUndefined } from "../../../shared/json.ts";
import type { SenderScheme, SenderSettings } from "../../config/ingress/ingress.ts";
import type { SenderAddress } from "./address.ts";

/**
 * How long a way back is open. Source: https://docs.slack.dev/interactivity/handling-user-interaction,
 * https://docs.discord.com/developers/interactions/receiving-and-responding
 */
const OPEN_MS = { slack: 30 * 60_000, discord: 15 * 60_000 } as const;
/** A platform that asks for more patience has closed the way by then. */
const MAX_RETRY_AFTER_MS = 30 * 60_000;
/** We may be faster than the edge: Discord knows nothing to answer until it has told it "thinking…". */
const NOT_YET_MS = 15_000;
const NOT_YET_RETRY_MS = 1_000;

export const PLATFORM = { slack: "Slack", discord: "Discord" } as const;

export interface Call {
  readonly url: URL;
  readonly method: "POST" | "PATCH";
  readonly body: string;
  /** The same once more changes nothing: it may be tried again when nobody knows whether it arrived. */
  readonly isRepeatable: boolean;
}

/** @throws GatewayError not_found when the time of the way back is over. */
export function checkTime(scheme: SenderScheme, receivedAt: number, now: number): void {
  if (now - receivedAt < OPEN_MS[scheme]) return;
  throw new GatewayError(
    "not_found",
    `${PLATFORM[scheme]} takes answers for ${OPEN_MS[scheme] / 60_000} minutes, and they are over`,
  );
}

/**
 * @param isFirst - Of the pieces of one answer.
 * @throws GatewayError forbidden for an address where Slack has none: it comes out of a body.
 */
export function callOf(
  address: SenderAddress,
  text: string,
  isFirst: boolean,
  settings: SenderSettings,
): Call {
  return address.scheme === "slack"
    ? slackCall(address, text, settings)
    : discordCall(address, text, isFirst, settings);
}

function slackCall(
  { url: secret }: Extract<SenderAddress, { scheme: "slack" }>,
  text: string,
  { slackOrigins }: SenderSettings,
): Call {
  const url = URL.parse(secret.reveal());
  const isSlack = url !== null && slackOrigins.includes(url.origin);
  if (!isSlack || url.username !== "" || url.password !== "") {
    throw new GatewayError("forbidden", "The response_url is not at an address of Slack's");
  }
  const said = { text: escaped(text), response_type: "ephemeral", replace_original: false };
  return { url, method: "POST", body: JSON.stringify(said), isRepeatable: false };
}

/**
 * Slack's three control characters: a model's words must not link to people or channels.
 *
 * Source: https://docs.slack.dev/messaging/formatting-message-text#escaping
 */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function discordCall(
  { application, token, isPending }: Extract<SenderAddress, { scheme: "discord" }>,
  text: string,
  isFirst: boolean,
  { discordApi }: SenderSettings,
): Call {
  const webhook = `${discordApi}/webhooks/${application}/${encodeURIComponent(token.reveal())}`;
  const edits = isPending && isFirst;
  // Mentions in a model's words must not ring anybody.
  const body = JSON.stringify({ content: text, allowed_mentions: { parse: [] } });
  return {
    url: new URL(edits ? `${webhook}/messages/@original` : webhook),
    method: edits ? "PATCH" : "POST",
    body,
    isRepeatable: edits,
  };
}

export interface Answered {
  readonly status: number;
  readonly retryAfter: string | null;
  /** The beginning of it. */
  readonly body: Uint8Array;
  /** Since the webhook came in, ms. */
  readonly ageMs: number;
}

const SlackSays = z.object({ ok: z.literal(false), error: z.string() });
const DiscordSays = z.object({
  id: z.string().max(32).optional().catch(undefined),
  /** Seconds. */
  retry_after: z.number().min(0).optional().catch(undefined),
  code: z.int().optional().catch(undefined),
});

/** Slack's words for a way back that is used up or over. */
const CLOSED: ReadonlySet<string> = new Set(["expired_url", "used_url"]);

/**
 * The platform's id of the message; empty where it gives none.
 *
 * @throws GatewayError as `Outlet.send`: it did not arrive.
 */
export function messageIdOf(scheme: SenderScheme, answered: Answered): string {
  return scheme === "slack" ? slackMessage(answered) : discordMessage(answered);
}

function slackMessage({ status, retryAfter, body }: Answered): string {
  const text = fromUtf8(body);
  const said = SlackSays.safeParse(jsonOrUndefined(text));
  const word = said.success ? said.data.error : text.trim();
  const error = /^[a-z_]{1,64}$/.test(word) ? word : "";
  const ok = status >= 200 && status < 300 && !said.success;
  if (ok) return "";
  if (CLOSED.has(error)) throw refused("slack", status, error, "not_found");
  throw failure("slack", status, error, retryAfterMs(retryAfter));
}

function discordMessage({ status, retryAfter, body, ageMs }: Answered): string {
  const said = DiscordSays.safeParse(jsonOrUndefined(fromUtf8(body)));
  const { id = "", retry_after: seconds, code: number } = said.success ? said.data : {};
  if (status >= 200 && status < 300) return id;
  const wait = retryAfterMs(retryAfter ?? seconds?.toString() ?? null);
  const code = number?.toString() ?? "";
  if (status === 404 && ageMs < NOT_YET_MS) {
    throw refused("discord", status, code, "overloaded", NOT_YET_RETRY_MS);
  }
  throw failure("discord", status, code, wait);
}

function failure(
  scheme: SenderScheme,
  status: number,
  word: string,
  waitMs: number | undefined,
): GatewayError {
  if (status === 429 || word === "ratelimited") {
    return refused(scheme, status, word, "rate_limited", waitMs);
  }
  if (status >= 500) return refused(scheme, status, word, "overloaded", waitMs);
  if (status === 404 || status === 410) return refused(scheme, status, word, "not_found");
  const code = status === 401 || status === 403 ? "forbidden" : "invalid_request";
  return refused(scheme, status, word, code);
}

/** A status and the platform's own word for it: nothing that could hold the address. */
function refused(
  scheme: SenderScheme,
  status: number,
  word: string,
  code: "not_found" | "overloaded" | "rate_limited" | "forbidden" | "invalid_request",
  waitMs?: number,
): GatewayError {
  const message = `${PLATFORM[scheme]} answered ${status}${word === "" ? "" : `: ${word}`}`;
  return new GatewayError(code, message, { retryAfterMs: waitMs });
}

/** Seconds, perhaps with a fraction. */
function retryAfterMs(text: string | null): number | undefined {
  if (text === null || !/^\d{1,9}(?:\.\d{1,9})?$/.test(text)) return undefined;
  return Math.min(Math.ceil(Number(text) * 1_000), MAX_RETRY_AFTER_MS);
}
