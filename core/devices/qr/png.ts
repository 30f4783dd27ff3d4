import { crc32, deflateSync } from "node:zlib";
import type { QrMatrix } from "./matrix.ts";

/** Modules of light around it, without which no camera finds it. Source: ISO/IEC 18004, clause 6.3.8. */
export const QUIET = 4;
const PIXELS_PER_MODULE = 6;
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** A PNG of one bit a pixel. Source: RFC 2083. */
export function qrPng(modules: QrMatrix): Buffer {
  const side = (modules.length + 2 * QUIET) * PIXELS_PER_MODULE;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header[8] = 1; // bits; the rest says: grey, and nothing special
  const rows = Array.from({ length: side }, (_v, y) => rowOf(modules, y, side));
  return Buffer.concat([
    SIGNATURE,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.concat(rows))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** Its first byte says that it is as it is. A bit that is set is light. */
function rowOf(modules: QrMatrix, y: number, side: number): Buffer {
  const row = Buffer.alloc(1 + Math.ceil(side / 8));
  const line = modules[Math.floor(y / PIXELS_PER_MODULE) - QUIET];
  for (let x = 0; x < side; x += 1) {
    const isDark = line?.[Math.floor(x / PIXELS_PER_MODULE) - QUIET] === true;
    const at = 1 + (x >> 3);
    if (!isDark) row[at] = (row[at] ?? 0) | (0x80 >> (x & 7));
  }
  return row;
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
