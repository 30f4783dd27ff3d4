/** W3C Trace Context, level 1: one name for a request in the logs of every hop. Pure. */

const VALID = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/;
/** With its version and variant, so that neither half is zero. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * The trace a request belongs to: the client's own if it is valid, else one whose trace id is the
 * request id. Every hop that derives it gets the same.
 *
 * @param requestId - Most often a UUID, whose digits then are the trace id.
 * Source: https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function traceparentOf(given: string | null, requestId: string): string {
  if (given !== null && given.length <= 256 && VALID.test(given)) return given;
  const digits = UUID.test(requestId) ? requestId.replaceAll("-", "") : hash(requestId);
  return `00-${digits}-${digits.slice(16)}-01`;
}

/** 128 bits of any text: FNV-1a of 32 bits from four starts. Names a trace, protects nothing. */
function hash(text: string): string {
  let digits = "";
  for (let lane = 1; lane <= 4; lane += 1) {
    let sum = Math.imul(0x811c9dc5, lane);
    for (let index = 0; index < text.length; index += 1) {
      sum = Math.imul(sum ^ text.charCodeAt(index), 0x01000193);
    }
    // The lowest bit set: no lane, and so no id, is zero.
    digits += ((sum | 1) >>> 0).toString(16).padStart(8, "0");
  }
  return digits;
}
