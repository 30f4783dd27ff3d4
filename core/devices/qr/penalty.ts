/** How hard a QR code is to read. Pure. Source: ISO/IEC 18004:2015, clause 7.8.3. */
type Line = readonly boolean[];

const FINDER_LIKE = ["10111010000", "00001011101"] as const;

export function penaltyOf(modules: readonly Line[]): number {
  const columns = modules.map((_line, at) => modules.map((line) => line[at] === true));
  const lines = [...modules, ...columns].map((line) =>
    line.map((dark) => (dark ? "1" : "0")).join(""),
  );
  const runs = lines.reduce((sum, line) => sum + runsOf(line) + finders(line), 0);
  return runs + blocks(modules) + balance(modules);
}

function runsOf(line: string): number {
  let sum = 0;
  for (const [{ length }] of line.matchAll(/0{5,}|1{5,}/g)) sum += length - 2;
  return sum;
}

function finders(line: string): number {
  let sum = 0;
  for (const pattern of FINDER_LIKE) {
    let at = line.indexOf(pattern);
    for (; at >= 0; at = line.indexOf(pattern, at + 1)) sum += 40;
  }
  return sum;
}

function blocks(modules: readonly Line[]): number {
  let sum = 0;
  for (const [row, line] of modules.entries()) {
    const below = modules[row + 1];
    for (const [column, dark] of line.entries()) {
      const others = [line[column + 1], below?.[column], below?.[column + 1]];
      if (others.every((one) => one === dark)) sum += 3;
    }
  }
  return sum;
}

function balance(modules: readonly Line[]): number {
  const dark = modules.flat().filter(Boolean).length;
  const percent = (dark * 100) / modules.length ** 2;
  return Math.floor(Math.abs(percent - 50) / 5) * 10;
}
