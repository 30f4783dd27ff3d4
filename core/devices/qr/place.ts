/** Where the modules of a QR code go. Pure. Source: ISO/IEC 18004:2015, clauses 6.3, 7.7 to 7.10. */
import { penaltyOf } from "./penalty.ts";

type Grid = boolean[][];
type Mask = (row: number, column: number) => boolean;

/** Table 10. */
const MASKS: readonly Mask[] = [
  (row, column) => (row + column) % 2 === 0,
  (row) => row % 2 === 0,
  (_row, column) => column % 3 === 0,
  (row, column) => (row + column) % 3 === 0,
  (row, column) => (Math.floor(row / 2) + Math.floor(column / 3)) % 2 === 0,
  (row, column) => ((row * column) % 2) + ((row * column) % 3) === 0,
  (row, column) => (((row * column) % 2) + ((row * column) % 3)) % 2 === 0,
  (row, column) => (((row + column) % 2) + ((row * column) % 3)) % 2 === 0,
];
/** Level L in the format information. */
const LEVEL_L = 0b01;

/** @param bytes - All of that version, data and checks. @returns With the mask that reads best. */
export function place(version: number, bytes: Uint8Array): readonly (readonly boolean[])[] {
  const size = version * 4 + 17;
  const modules: Grid = Array.from({ length: size }, () => Array<boolean>(size).fill(false));
  const taken: Grid = Array.from({ length: size }, () => Array<boolean>(size).fill(false));
  drawFunctions(version, (row, column, isDark) => {
    const line = modules[row];
    if (line === undefined || column < 0 || column >= size) return;
    line[column] = isDark;
    (taken[row] ?? [])[column] = true;
  });
  drawData(modules, taken, bytes);
  const all = MASKS.map((mask, index) => {
    const masked = modules.map((line, row) =>
      line.map((dark, column) => dark !== (taken[row]?.[column] !== true && mask(row, column))),
    );
    drawFormat(masked, index);
    return masked;
  });
  const [first = modules, ...others] = all;
  return others.reduce((best, one) => (penaltyOf(one) < penaltyOf(best) ? one : best), first);
}

type Draw = (row: number, column: number, isDark: boolean) => void;

function drawFunctions(version: number, draw: Draw): void {
  const size = version * 4 + 17;
  for (let at = 0; at < size; at += 1) {
    draw(6, at, at % 2 === 0);
    draw(at, 6, at % 2 === 0);
  }
  for (const [row, column] of [
    [3, 3],
    [3, size - 4],
    [size - 4, 3],
  ] as const) {
    square(draw, row, column, 4);
  }
  const centres = alignments(version);
  const last = size - 7;
  for (const row of centres) {
    for (const column of centres) {
      if (!isFinder(row, column, last)) square(draw, row, column, 2);
    }
  }
  // Kept free; what it says comes with the mask.
  for (const [row, column] of formatPlaces(size).flat()) draw(row, column, false);
  draw(size - 8, 8, true);
  if (version >= 7) drawVersion(version, draw);
}

function isFinder(row: number, column: number, last: number): boolean {
  return (row === 6 && (column === 6 || column === last)) || (row === last && column === 6);
}

/** Rings around a centre: dark, light, dark; a finder has a light one around it. */
function square(draw: Draw, row: number, column: number, radius: number): void {
  for (let down = -radius; down <= radius; down += 1) {
    for (let right = -radius; right <= radius; right += 1) {
      const ring = Math.max(Math.abs(down), Math.abs(right));
      const isDark = radius === 4 ? ring !== 2 && ring !== 4 : ring !== 1;
      if (row + down >= 0 && column + right >= 0) draw(row + down, column + right, isDark);
    }
  }
}

/** Rows and columns of alignment patterns. Annex E */
function alignments(version: number): readonly number[] {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = Math.ceil((version * 4 + 4) / (count * 2 - 2)) * 2;
  const last = version * 4 + 10;
  const others = Array.from({ length: count - 1 }, (_v, index) => last - index * step);
  return [6, ...others.toReversed()];
}

/** Both copies, from bit 0 on. */
function formatPlaces(size: number): readonly (readonly (readonly [number, number])[])[] {
  const first = [
    ...[0, 1, 2, 3, 4, 5].map((row) => [row, 8] as const),
    [7, 8] as const,
    [8, 8] as const,
    [8, 7] as const,
    ...[5, 4, 3, 2, 1, 0].map((column) => [8, column] as const),
  ];
  const second = [
    ...[0, 1, 2, 3, 4, 5, 6, 7].map((index) => [8, size - 1 - index] as const),
    ...[8, 9, 10, 11, 12, 13, 14].map((index) => [size - 15 + index, 8] as const),
  ];
  return [first, second];
}

function drawFormat(modules: Grid, mask: number): void {
  const data = LEVEL_L * 8 + mask;
  let rest = data;
  for (let times = 0; times < 10; times += 1) rest = (rest << 1) ^ ((rest >>> 9) * 0x537);
  const bits = ((data << 10) | rest) ^ 0x5412;
  for (const places of formatPlaces(modules.length)) {
    for (const [index, [row, column]] of places.entries()) {
      const line = modules[row];
      if (line !== undefined) line[column] = ((bits >>> index) & 1) === 1;
    }
  }
}

function drawVersion(version: number, draw: Draw): void {
  let rest = version;
  for (let times = 0; times < 12; times += 1) rest = (rest << 1) ^ ((rest >>> 11) * 0x1f25);
  const bits = (version << 12) | rest;
  const start = version * 4 + 6;
  for (let index = 0; index < 18; index += 1) {
    const isDark = ((bits >>> index) & 1) === 1;
    const along = start + (index % 3);
    const across = Math.floor(index / 3);
    draw(across, along, isDark);
    draw(along, across, isDark);
  }
}

function drawData(modules: Grid, taken: Grid, bytes: Uint8Array): void {
  let bit = 0;
  for (const [row, column] of zigzag(modules.length)) {
    if (taken[row]?.[column] === true) continue;
    const byte = bytes[bit >>> 3] ?? 0;
    (modules[row] ?? [])[column] = ((byte >>> (7 - (bit & 7))) & 1) === 1;
    bit += 1;
  }
}

/** Two columns at a time from the right, up and down in turn, past the column of the timing pattern. */
function* zigzag(size: number): Generator<readonly [row: number, column: number]> {
  let isUp = true;
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right = 5;
    for (let step = 0; step < size; step += 1) {
      const row = isUp ? size - 1 - step : step;
      yield [row, right];
      yield [row, right - 1];
    }
    isUp = !isUp;
  }
}
