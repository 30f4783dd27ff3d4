import { concat, utf8 } from "../../bytes.ts";
import { emptyAnswer } from "../answers.ts";
import { sha256 } from "../crypto.ts";
import { identified, jsonBody } from "../items.ts";
import { valueAt } from "../json-path.ts";
import type { VerificationOf } from "../route.ts";
import type { ReceivedWebhook, Scheme } from "../scheme.ts";
import { signedBy, type SigningRule, toleranceMs } from "../signature.ts";

type Settings = VerificationOf<"hmac">;

/** The rule that the settings of a route spell out. */
export function hmacRule(settings: Settings): SigningRule {
  const { key, separator, timestamp, id } = settings;
  return {
    algorithm: settings.algorithm,
    encoding: settings.encoding,
    secretEncoding: settings.secretEncoding,
    headers: [settings.header],
    prefix: settings.prefix,
    ...(key === undefined ? {} : { list: { separator, key, assign: "=" } }),
    signed: settings.signed,
    timestamp:
      timestamp === undefined ? undefined : { ...timestamp, toleranceMs: toleranceMs(settings) },
    // Not asked for unless it is signed: some senders leave it out of some events.
    idHeader: settings.signed.includes("{id}") ? id?.header : undefined,
    url: settings.url,
  };
}

/** Any sender that signs with a shared secret. */
export const hmac: Scheme<"hmac"> = {
  maxBodyBytes: 1024 * 1024,
  ...signedBy<Settings>(hmacRule),

  async identify(settings, webhook) {
    return identified(webhook.route, [
      { id: idOf(settings, webhook) ?? (await made(settings, webhook)) },
    ]);
  },

  accepted: emptyAnswer,
};

/** What the sender calls the event. */
function idOf({ id }: Settings, { headers, body }: ReceivedWebhook): string | undefined {
  const fromHeader = id?.header === undefined ? null : headers.get(id.header);
  if (fromHeader !== null && fromHeader !== "") return fromHeader;
  const value = id?.path === undefined ? undefined : valueAt(jsonBody(body), id.path);
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Of what is signed: the same body signed at another time is another event. */
function made(settings: Settings, { headers, body }: ReceivedWebhook): Promise<string> {
  if (settings.timestamp === undefined) return sha256(body);
  return sha256(concat([utf8(headers.get(settings.header) ?? ""), body]));
}
