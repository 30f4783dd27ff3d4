/** Webhooks put before a scheme, as the edge and the core do it. */
import { utf8 } from "../../shared/bytes.ts";
import { type BoundScheme, boundScheme } from "../../shared/ingress/registry.ts";
import { Verification } from "../../shared/ingress/route.ts";
import type { ReceivedWebhook, SchemeTools } from "../../shared/ingress/scheme.ts";

export interface Attempt {
  /** As a route has them. */
  readonly settings: unknown;
  readonly headers: Record<string, string> | Headers;
  readonly body: string | Uint8Array<ArrayBuffer>;
  /** Unix seconds; only where a time is signed. */
  readonly at?: number;
  readonly method?: string;
  readonly url?: string;
}

const tools: SchemeTools = { jwt: () => Promise.reject(new TypeError("no token here")) };

/** The scheme of these settings. */
export function schemeFor(settings: unknown): BoundScheme {
  const parsed = Verification.parse(settings);
  if (parsed.scheme === "core") throw new TypeError("only the core checks these");
  return boundScheme(parsed);
}

/** The webhook as it arrives at the route `r`. */
export function received({ headers, body, at, method, url }: Attempt): ReceivedWebhook {
  return {
    route: "r",
    method: method ?? "POST",
    url: new URL(url ?? "https://example.com/hooks/r"),
    headers: new Headers(headers),
    body: typeof body === "string" ? utf8(body) : body,
    now: (at ?? 1_700_000_000) * 1_000,
  };
}

/** `genuine`, followed by the place of the secret when it is not the first; else why it is refused. */
export async function verdictOf(attempt: Attempt): Promise<string> {
  const scheme = schemeFor(attempt.settings);
  const webhook = received(attempt);
  const screened = await scheme.screen(webhook.headers, webhook.now);
  const proof = await scheme.verify(webhook, tools);
  if (!proof.ok) return proof.error.reason;
  if (!screened.ok) return `genuine, but the screen says ${screened.error.reason}`;
  return proof.value.secret === 0 ? "genuine" : `genuine ${proof.value.secret}`;
}

/** What the events of a webhook are called, as `id lane`; `malformed` when it is none. */
export async function namesOf(attempt: Attempt): Promise<string[] | "malformed"> {
  const items = await schemeFor(attempt.settings).identify(received(attempt));
  return items.ok ? items.value.map(({ id, lane }) => `${id} ${lane}`) : "malformed";
}
