import { utf8 } from "../../bytes.ts";
import { err, ok, type Result } from "../../result.ts";
import { bytesMatch } from "../../constant-time.ts";
import { decodeSignature, matchHmac, sha256Hex } from "../crypto.ts";
import { itemOf } from "../items.ts";
import type { Refusal, Scheme } from "../scheme.ts";
import { twilioEvent } from "../twilio-event.ts";
import { formText, signedUrls } from "../twilio-signed.ts";

const SIGNATURE_HEADER = "X-Twilio-Signature";
/** Where the hash of a body stands that is no form. */
const BODY_HASH = "bodySHA256";

const SILENCE = '<?xml version="1.0" encoding="UTF-8"?><Response/>';

/**
 * Twilio signs the address it was given, with the fields of the form behind it; of any other body
 * the address holds a hash.
 *
 * Source: https://www.twilio.com/docs/usage/security#validating-requests
 */
export const twilio: Scheme<"twilio"> = {
  maxBodyBytes: 1024 * 1024,

  screen(_settings, headers) {
    const signature = signatureOf(headers);
    return signature.ok ? ok(undefined) : signature;
  },

  async verify({ secrets, url: publicUrl }, { headers, url, body }) {
    const signature = signatureOf(headers);
    if (!signature.ok) return signature;
    const bodyHash = url.searchParams.get(BODY_HASH);
    const fields = bodyHash === null ? formText(body) : "";
    if (fields === undefined) return err({ reason: "bad_format" });
    const keys = secrets.map(utf8);
    const tries = signedUrls(publicUrl, url).map((address) =>
      matchHmac("sha1", keys, utf8(address + fields), [signature.value]),
    );
    const secret = (await Promise.all(tries)).find((found) => found !== undefined);
    const isWhole = bodyHash === null || (await hashes(body, bodyHash));
    return secret === undefined || !isWhole
      ? err({ reason: "mismatch", header: SIGNATURE_HEADER })
      : ok({ secret });
  },

  async identify(_settings, { route, headers, body }) {
    const event = await twilioEvent(body, headers);
    return event === undefined ? err({ reason: "malformed" }) : ok([await itemOf(route, event)]);
  },

  /** TwiML that does nothing: Twilio executes what it gets. */
  accepted: () => new Response(SILENCE, { status: 200, headers: { "Content-Type": "text/xml" } }),
};

function signatureOf(headers: Headers): Result<Uint8Array<ArrayBuffer>, Refusal> {
  const given = headers.get(SIGNATURE_HEADER);
  if (given === null) return err({ reason: "missing_header", header: SIGNATURE_HEADER });
  const signature = decodeSignature(given, "base64", "sha1");
  return signature === undefined
    ? err({ reason: "bad_format", header: SIGNATURE_HEADER })
    : ok(signature);
}

async function hashes(body: Uint8Array<ArrayBuffer>, expected: string): Promise<boolean> {
  return bytesMatch(utf8(await sha256Hex(body)), utf8(expected.toLowerCase()));
}
