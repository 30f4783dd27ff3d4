/** What was measured, as a table for people. Pure. */

export interface Quantity {
  readonly value: number;
  /** `ms`, `MiB`, `/s` … */
  readonly unit: string;
}

export interface Budget {
  /** As the design has it. */
  readonly text: string;
  /** What is held against the limit: the measured value itself, a ratio, or a difference. */
  readonly value: number;
  readonly limit: number;
  readonly kind: "at_most" | "at_least";
}

export interface Measured {
  readonly what: string;
  readonly measured: Quantity;
  readonly peer?: Quantity & { readonly name: string };
  /** Measured to peer, pair by pair. */
  readonly ratio?: number;
  readonly budget?: Budget;
}

/** Something this machine could not measure, and why. */
export interface Skipped {
  readonly what: string;
  readonly skipped: string;
}

export type Row = Measured | Skipped;

/** What one measurement has found. */
export interface Findings {
  readonly rows: readonly Row[];
  /** One line each: how it was measured, what stands out. */
  readonly notes?: readonly string[];
}

export function atMost(value: number, limit: number, text: string): Budget {
  return { text: `≤ ${text}`, value, limit, kind: "at_most" };
}

export function atLeast(value: number, limit: number, text: string): Budget {
  return { text: `≥ ${text}`, value, limit, kind: "at_least" };
}

/** `ok`, or by which factor the budget was missed. */
export function verdict({ value, limit, kind }: Budget): string {
  const [worse, better] = kind === "at_most" ? [value, limit] : [limit, value];
  if (worse <= better) return "ok";
  const factor = worse / better;
  return Number.isFinite(factor) ? `MISSED × ${short(factor)}` : "MISSED";
}

/** Three digits that matter. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const digits = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.min(3, Math.max(0, 2 - digits)));
}

export const COLUMNS = ["what", "measured", "peer", "ratio", "budget", "ok?"] as const;

function cellsOf(row: Row): string[] {
  if ("skipped" in row) return [row.what, "skipped", "", "", "", row.skipped];
  const { what, measured, peer, ratio, budget } = row;
  return [
    what,
    written(measured),
    peer === undefined ? "" : `${written(peer)} (${peer.name})`,
    ratio === undefined ? "" : short(ratio),
    budget?.text ?? "",
    budget === undefined ? "" : verdict(budget),
  ];
}

function written({ value, unit }: Quantity): string {
  return unit === "" ? short(value) : `${short(value)} ${unit}`;
}

/** In columns, for a terminal. */
export function plainTable(rows: readonly Row[]): string {
  const lines = [[...COLUMNS], ...rows.map(cellsOf)];
  const widths = COLUMNS.map((_, column) =>
    Math.max(...lines.map((cells) => cells[column]?.length ?? 0)),
  );
  return lines
    .map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "))
    .map((row) => row.trimEnd())
    .join("\n");
}

export interface Report {
  /** ISO 8601. */
  readonly date: string;
  readonly machine: string;
  readonly mode: string;
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
}

/** The file that is kept. */
export function markdown({ date, machine, mode, rows, notes }: Report): string {
  return [
    "# Results of `npm run bench`",
    "",
    `${date}, ${mode}. ${machine}.`,
    "",
    "Everything in one run on one machine, each in turns with its peer: the ratios are what counts.",
    "",
    line(COLUMNS),
    line(COLUMNS.map(() => "---")),
    ...rows.map((row) => line(cellsOf(row))),
    "",
    ...notes.map((note) => `- ${note}`),
    "",
  ].join("\n");
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
