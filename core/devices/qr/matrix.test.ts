import { hash } from "node:crypto";
import { inflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { qrMatrix } from "./matrix.ts";
import { QUIET, qrPng } from "./png.ts";
import { remainderOf } from "./reed-solomon.ts";
import { qrText } from "./terminal.ts";

/**
 * Of `b…bz`, so many characters: modules of a side, and the first half of the SHA-256 of all of
 * them, row by row as 0 and 1. Source: the npm package `qrcode` 1.5, byte mode, level L, its mask.
 */
test.each<[number, number, string]>([
  [1, 21, "4a1d3418d8dba538d20f3e2f84efbb71"],
  [17, 21, "cf43fdb4621f472c277cb94f9ca18843"],
  [18, 25, "7e8252a383c9458b5c2b3e674e394334"],
  [134, 41, "9d66e6f2a3d8a103b2a0b9676dc4a7d5"],
  [154, 45, "30187619f41c9e988a5a43e852c412b0"],
  [230, 53, "119a416573c295e88da1a1bfc8a7f43b"],
  [271, 57, "30383c70f37cb33b8b325d378aef931c"],
  [458, 73, "8a04714c46880fe92a34e19016eb10b0"],
  [858, 97, "eaac55dc07a376186e465a663f736941"],
])("%i characters are drawn as another encoder draws them", (length, side, expected) => {
  const matrix = qrMatrix(`${"b".repeat(length - 1)}z`);
  expect(matrix.map((row) => row.length)).toEqual(Array.from({ length: side }, () => side));
  const bits = matrix.flat().map(Number).join("");
  expect(hash("sha256", bits, "hex").slice(0, 32)).toBe(expected);
});

test("more than there is room for is refused", () => {
  expect(() => qrMatrix("x".repeat(859))).toThrow("too long");
});

test("check bytes are those of the example in the standard", () => {
  const data = [0x10, 0x20, 0x0c, 0x56, 0x61, 0x80, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11];
  const checks = remainderOf(Uint8Array.from([...data, 0xec, 0x11]), 10);
  expect([...checks]).toEqual([0xa5, 0x24, 0xd4, 0xc1, 0xed, 0x36, 0xc7, 0x87, 0x2c, 0x55]);
});

test("a terminal shows all of it, and light around it", () => {
  const matrix = qrMatrix("hello");
  const lines = qrText(matrix).split("\n");
  const side = matrix.length + 2 * QUIET;
  expect(lines).toHaveLength(Math.ceil(side / 2));
  const DARK = new Map([
    [" ", [true, true]],
    ["▀", [false, true]],
    ["▄", [true, false]],
    ["█", [false, false]],
  ]);
  const rows = lines.flatMap((line) => {
    const both = line.split("").map((one) => DARK.get(one) ?? []);
    return [0, 1].map((half) => both.map((one) => one[half]));
  });
  const inner = rows.slice(QUIET, QUIET + matrix.length);
  expect(inner.map((row) => row.slice(QUIET, -QUIET))).toEqual(matrix);
  expect(rows.slice(0, QUIET).flat()).not.toContain(true);
});

test("a PNG shows the same", () => {
  const matrix = qrMatrix("hello");
  const png = qrPng(matrix);
  expect(png.subarray(1, 4).toString()).toBe("PNG");
  const side = png.readUInt32BE(16);
  expect(side % (matrix.length + 2 * QUIET)).toBe(0);
  const scale = side / (matrix.length + 2 * QUIET);
  const size = png.readUInt32BE(33);
  const rows = inflateSync(png.subarray(41, 41 + size));
  const bytes = 1 + Math.ceil(side / 8);
  const isDark = (row: number, column: number): boolean => {
    const x = (column + QUIET) * scale;
    const byte = rows[(row + QUIET) * scale * bytes + 1 + (x >> 3)] ?? 0;
    return ((byte >> (7 - (x & 7))) & 1) === 0;
  };
  expect(matrix.map((line, row) => line.map((_dark, column) => isDark(row, column)))).toEqual(
    matrix,
  );
});
