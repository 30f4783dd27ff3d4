/** Takes out of a body what lets its readers answer the sender in our name. Pure. */
import type { SenderScheme } from "../../config/ingress/ingress.ts";

const STAR = 0x2a;

/** As JSON; escaped quotes do not end a value. A value that is cut off ends with the text. */
const IN_JSON = /"(?:token|response_url)"\s*:\s*"(?<value>(?:[^"\\]|\\.)*)(?:"|\\?$)/dg;
/** A field of a form, … */
const IN_FORM = /(?:^|&)(?:token|response_url)=(?<value>[^&]*)/dg;
/** … and JSON within one, where quotes are `%22` and backslashes `%5C`. */
const IN_PAYLOAD =
  /%22(?:token|response_url)%22(?:\+|%20)*(?:%3A|:)(?:\+|%20)*%22(?<value>(?:%5C%22|(?!%22)[^&])*)/dgi;

const BRACE = 0x7b;

/** Undefined for schemes whose bodies hold no such thing. */
export function senderScheme(scheme: string): SenderScheme | undefined {
  return scheme === "slack" || scheme === "discord" ? scheme : undefined;
}

/**
 * The same body with stars in place of tokens and addresses to answer to: as long as before, so that
 * it can be shown in parts.
 *
 * @param scheme - By which it was verified; empty: nobody has yet, so it may be of any.
 * @param first - The first byte of the whole body, when this is another part of it.
 */
export function redacted(
  scheme: string,
  body: Uint8Array<ArrayBuffer>,
  first = body[0],
): Uint8Array<ArrayBuffer> {
  if (senderScheme(scheme) === undefined && scheme !== "") return body;
  // One unit a byte: places in this text are places in the body.
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("latin1");
  const kept = Uint8Array.from(body);
  for (const pattern of first === BRACE ? [IN_JSON] : [IN_FORM, IN_PAYLOAD]) {
    for (const { indices } of text.matchAll(pattern)) {
      const [from, to] = indices?.groups?.["value"] ?? [0, 0];
      kept.fill(STAR, from, to);
    }
  }
  return kept;
}
