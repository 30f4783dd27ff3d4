/** Senders that show a shared secret as it is: nothing is signed, the headers are the whole proof. */
import { err, ok, type Result } from "../result.ts";
import { matchDigest } from "./crypto.ts";
import { identified, malformed } from "./items.ts";
import type { Proof, ReceivedWebhook, Refusal, WebhookItem } from "./scheme.ts";

/** Longer ones are no secret of ours: not worth a hash. */
const MAX_CREDENTIAL_CHARS = 1_100;
/** Printable ASCII, at most what Stripe and others allow for such keys. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/** What a credential was looked for in, and what was found. */
export interface Shown {
  readonly header: string;
  /** Null: the header is not there, or holds something else. */
  readonly credential: string | null;
}

/** Which of the digests belongs to what was shown. */
export async function provedEqual(
  digests: readonly string[],
  { header, credential }: Shown,
): Promise<Result<Proof, Refusal>> {
  if (credential === null) return err({ reason: "missing_header", header });
  if (credential === "" || credential.length > MAX_CREDENTIAL_CHARS) {
    return err({ reason: "bad_format", header });
  }
  const found = await matchDigest(credential, digests);
  return found === undefined ? err({ reason: "mismatch", header }) : ok({ secret: found });
}

/** The two checks of a scheme that is nothing but equality. */
export function shownBy<Settings extends { readonly digests: readonly string[] }>(
  find: (settings: Settings, headers: Headers) => Shown,
): {
  screen: (settings: Settings, headers: Headers, now: number) => Promise<Result<void, Refusal>>;
  verify: (settings: Settings, webhook: ReceivedWebhook) => Promise<Result<Proof, Refusal>>;
} {
  return {
    async screen(settings, headers) {
      const proof = await provedEqual(settings.digests, find(settings, headers));
      return proof.ok ? ok(undefined) : proof;
    },
    verify: (settings, { headers }) => provedEqual(settings.digests, find(settings, headers)),
  };
}

/** How senders of our own choosing name their events, and what they are told. */
export const ownSender = {
  /** Of senders we know nothing about. */
  maxBodyBytes: 1024 * 1024,

  /**
   * Without a key every request is an event of its own: two equal ones may be meant, and one too
   * many is seen, while one too few is lost.
   */
  identify(_settings: unknown, { route, headers }: ReceivedWebhook) {
    const key = headers.get("Idempotency-Key");
    if (key !== null && !IDEMPOTENCY_KEY.test(key)) return malformed();
    return identified(route, [{ id: key ?? crypto.randomUUID() }]);
  },

  accepted(_webhook: ReceivedWebhook, [item]: readonly WebhookItem[]): Response {
    return Response.json(item === undefined ? { ok: true } : { ok: true, runId: item.id });
  },
} as const;
