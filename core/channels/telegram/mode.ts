/** Which of Telegram's two ways is in use. They exclude each other: getUpdates refuses while a webhook is set. */
export type Mode =
  | { readonly mode: "none" }
  | { readonly mode: "polling" }
  /** The address is undefined while the one in force was set by an earlier run. */
  | { readonly mode: "webhook"; readonly url: string | undefined };

/** What the decision rests on. Times are Unix ms. */
export interface Situation {
  readonly current: Mode;
  /** Our webhook as the edge serves it now; undefined while there is no edge. */
  readonly url: string | undefined;
  /** Since when there is no edge; undefined while there is one. */
  readonly goneSince: number | undefined;
  /** A webhook that Telegram did not accept, and when. */
  readonly refused: { readonly url: string; readonly at: number } | undefined;
  readonly now: number;
}

export type Decision =
  | { readonly do: "set_webhook"; readonly url: string }
  | { readonly do: "poll" }
  /** Leave it as it is; look again at `until`, or when the edge changes. */
  | { readonly do: "stay"; readonly until: number | undefined };

/**
 * How long an edge may be gone before we poll. Meanwhile nothing is lost: the relay keeps what
 * Telegram sends. Above any restart of ours, below what people take for silence.
 */
export const EDGE_GRACE_MS = 60_000;
/** A refused address is tried again after this: a new host name takes a while to be known. */
export const REFUSED_RETRY_MS = 10 * 60_000;

/** The empty one is 443, which https implies. */
const PORTS = new Set(["", "80", "88", "8443"]);

/** Decides how updates should reach us. Pure. */
export function decide({ current, url, goneSince, refused, now }: Situation): Decision {
  if (url !== undefined) {
    if (current.mode === "webhook" && current.url === url) return { do: "stay", until: undefined };
    const retryAt = refused?.url === url ? refused.at + REFUSED_RETRY_MS : now;
    if (retryAt <= now) return { do: "set_webhook", url };
    return current.mode === "polling" ? { do: "stay", until: retryAt } : { do: "poll" };
  }
  if (current.mode === "polling") return { do: "stay", until: undefined };
  const graceEnds = (goneSince ?? now) + EDGE_GRACE_MS;
  if (current.mode === "webhook" && now < graceEnds) return { do: "stay", until: graceEnds };
  return { do: "poll" };
}

/**
 * The webhook's address, when Telegram's server could reach it: it demands https and one of four
 * ports. A local Bot API server (`apiRoot` on loopback) takes http and any port.
 * Source: https://core.telegram.org/bots/api#setwebhook and #using-a-local-bot-api-server
 */
export function webhookUrl(base: URL | undefined, apiRoot: string): string | undefined {
  if (base === undefined) return undefined;
  const url = new URL("telegram", base);
  if (isLoopback(new URL(apiRoot).hostname)) return url.href;
  const usable = url.protocol === "https:" && PORTS.has(url.port) && !isLoopback(url.hostname);
  return usable ? url.href : undefined;
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}
