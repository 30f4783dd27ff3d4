/** ECDSA signatures: what OpenSSL writes, as what Web Crypto reads. Pure. */

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const HEAD_BYTES = 2;

/**
 * `r` and `s` behind one another, as IEEE P1363 has them, of a DER signature.
 *
 * Strict: shortest form, no negative numbers, nothing behind. So one signature has one text.
 *
 * @param size - Bytes of each number; 32 for P-256.
 * @returns Undefined for anything else.
 */
export function rawSignature(der: Uint8Array, size = 32): Uint8Array<ArrayBuffer> | undefined {
  // With numbers of at most 66 bytes the short form of a length is always enough.
  if (der[0] !== SEQUENCE || der[1] !== der.byteLength - HEAD_BYTES) return undefined;
  const r = readInteger(der, HEAD_BYTES, size);
  if (r === undefined) return undefined;
  const s = readInteger(der, r.end, size);
  if (s === undefined || s.end !== der.byteLength) return undefined;
  const raw = new Uint8Array(2 * size);
  raw.set(r.number, size - r.number.byteLength);
  raw.set(s.number, 2 * size - s.number.byteLength);
  return raw;
}

interface Integer {
  /** Without the zero in front that says that it is not negative. */
  readonly number: Uint8Array;
  readonly end: number;
}

function readInteger(der: Uint8Array, at: number, size: number): Integer | undefined {
  const length = der[at + 1] ?? 0;
  const start = at + HEAD_BYTES;
  const end = start + length;
  if (der[at] !== INTEGER || length === 0 || end > der.byteLength) return undefined;
  const written = der.subarray(start, end);
  if (!isShortest(written)) return undefined;
  const number = written[0] === 0 ? written.subarray(1) : written;
  return number.byteLength > size ? undefined : { number, end };
}

/** A zero in front must be needed, and without one the number is not negative. Zero itself signs nothing. */
function isShortest([first = 0, second = 0]: Uint8Array): boolean {
  return first === 0 ? second >= 0x80 : first < 0x80;
}
