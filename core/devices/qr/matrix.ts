/**
 * A QR code, error correction level L, bytes alone: enough for a setup code, and no dependency for
 * it. Pure.
 *
 * Source: ISO/IEC 18004:2015; numbers of clauses are its.
 */
import { utf8 } from "../../../shared/bytes.ts";
import { GatewayError } from "../../../shared/errors.ts";
import { place } from "./place.ts";
import { remainderOf } from "./reed-solomon.ts";

/** Rows of modules; true is dark. Without the quiet zone. */
export type QrMatrix = readonly (readonly boolean[])[];

/** Of level L by version, from 1 on: check bytes of a block, and blocks. Table 9. */
const CHECK_BYTES = [
  7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28,
] as const;
const BLOCKS = [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8] as const;
const PAD = [0xec, 0x11] as const;
const BYTE_MODE = 0b0100;

/** @throws GatewayError too_large for more than 858 bytes. */
export function qrMatrix(text: string): QrMatrix {
  const bytes = utf8(text);
  const version = CHECK_BYTES.findIndex((_v, index) => fits(bytes.length, index + 1)) + 1;
  if (version === 0) throw new GatewayError("too_large", "That is too long for a QR code");
  return place(version, interleaved(dataOf(bytes, version), version));
}

/** All bytes of a version, data and checks. Clause 6.10 */
function totalBytes(version: number): number {
  const alignments = version < 2 ? 0 : Math.floor(version / 7) + 2;
  const patterns = alignments === 0 ? 0 : (25 * alignments - 10) * alignments - 55;
  const information = version < 7 ? 0 : 36;
  return Math.floor(((16 * version + 128) * version + 64 - patterns - information) / 8);
}

function dataBytes(version: number): number {
  return totalBytes(version) - (CHECK_BYTES[version - 1] ?? 0) * (BLOCKS[version - 1] ?? 0);
}

function countBits(version: number): number {
  return version < 10 ? 8 : 16;
}

function fits(length: number, version: number): boolean {
  return 4 + countBits(version) + length * 8 <= dataBytes(version) * 8;
}

/** Mode, length, bytes, end, padding. Clause 7.4 */
function dataOf(bytes: Uint8Array, version: number): Uint8Array {
  const bits: number[] = [];
  const push = (value: number, count: number): void => {
    for (let at = count - 1; at >= 0; at -= 1) bits.push((value >>> at) & 1);
  };
  push(BYTE_MODE, 4);
  push(bytes.length, countBits(version));
  for (const byte of bytes) push(byte, 8);
  const size = dataBytes(version);
  push(0, Math.min(4, size * 8 - bits.length));
  push(0, (8 - (bits.length % 8)) % 8);
  for (let at = 0; bits.length < size * 8; at += 1) push(PAD[at % 2] ?? 0, 8);
  const packed = new Uint8Array(size);
  for (const [index, bit] of bits.entries())
    packed[index >> 3] = (packed[index >> 3] ?? 0) * 2 + bit;
  return packed;
}

/** Blocks with their checks, a byte of each in turn; the later blocks may have one more. Clause 7.6 */
function interleaved(data: Uint8Array, version: number): Uint8Array {
  const count = BLOCKS[version - 1] ?? 1;
  const checks = CHECK_BYTES[version - 1] ?? 0;
  const short = Math.floor(data.length / count);
  const longer = data.length % count;
  let from = 0;
  const blocks = Array.from({ length: count }, (_v, index) => {
    const block = data.subarray(from, from + short + (index >= count - longer ? 1 : 0));
    from += block.length;
    return block;
  });
  const all: number[] = [];
  for (let at = 0; at <= short; at += 1) {
    for (const block of blocks) if (at < block.length) all.push(block[at] ?? 0);
  }
  const remainders = blocks.map((block) => remainderOf(block, checks));
  for (let at = 0; at < checks; at += 1) {
    for (const remainder of remainders) all.push(remainder[at] ?? 0);
  }
  return Uint8Array.from(all);
}
