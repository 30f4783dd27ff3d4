import { fromUtf8 } from "../../bytes.ts";
import { fromBase64 } from "../crypto.ts";
import { ownSender, type Shown, shownBy } from "../equality.ts";
import type { VerificationOf } from "../route.ts";
import type { Scheme } from "../scheme.ts";

const BASIC = /^Basic +(?<base64>[A-Za-z0-9+/]{1,1400}={0,2})$/i;

/** For senders that know a user name and a password (RFC 7617), as it stands in many an address. */
export const basic: Scheme<"basic"> = {
  ...ownSender,
  ...shownBy<VerificationOf<"basic">>((_settings, headers) => find(headers)),
};

function find(headers: Headers): Shown {
  const header = "authorization";
  const base64 = BASIC.exec(headers.get(header) ?? "")?.groups?.["base64"];
  if (base64 === undefined) return { header, credential: null };
  const bytes = fromBase64(base64);
  return { header, credential: bytes === undefined ? "" : fromUtf8(bytes) };
}
