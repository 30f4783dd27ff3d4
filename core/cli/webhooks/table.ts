/** Rows for people. Whatever senders chose is made printable here. */
import { styleText } from "node:util";
import type { WebhookEntry } from "../../webhooks/methods/answers.ts";
import type { Io } from "../command.ts";
import { printable } from "../printable.ts";

type Colour = "red" | "yellow" | "green" | "cyan" | "gray" | "bold";

export interface Cell {
  readonly text: string;
  readonly colour?: Colour;
  /** A last cell that may be cut to what is left of the line: elsewhere stands all of it. */
  readonly mayBeCut?: boolean;
}

/** What terminals and messages show without wrapping. */
export const LINE_UNITS = 100;
/** Less of a last cell tells nothing. */
const MIN_LAST = 24;
/** The longest id of ours has 265 characters; longer is a stranger's doing. */
const MAX_CELL = 300;

const GAP = "  ";

/** @param max - UTF-16 units. */
export function cutTo(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).trimEnd()}…`;
}

/**
 * Pads every column to its widest cell; the last one is left as it is.
 *
 * @param atLeast - Widths for rows that come one by one.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  io: Pick<Io, "colours">,
  atLeast: readonly number[] = [],
): string[] {
  const all = [head.map((text): Cell => ({ text, colour: "bold" })), ...rows];
  const clean = all.map((row) =>
    row.map((cell) => ({ ...cell, text: printable(cell.text, MAX_CELL) })),
  );
  const widths = head.map((_title, column) =>
    Math.max(atLeast[column] ?? 0, ...clean.map((row) => row[column]?.text.length ?? 0)),
  );
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + GAP.length, 0);
  const left = Math.max(MIN_LAST, LINE_UNITS - before);
  return clean.map((row) =>
    row
      .map(({ text, colour, mayBeCut = false }, column) => {
        const isLast = column === row.length - 1;
        const shown = isLast && mayBeCut ? cutTo(text, left) : text;
        return paint(isLast ? shown : text.padEnd(widths[column] ?? 0), colour, io);
      })
      .join(GAP)
      .trimEnd(),
  );
}

export function paint(text: string, colour: Colour | undefined, io: Pick<Io, "colours">): string {
  return io.colours && colour !== undefined
    ? styleText(colour, text, { validateStream: false })
    : text;
}

export const HEAD = ["RECEIVED", "ROUTE", "STATE", "BYTES", "ID", "NOTE"] as const;

const STATE_COLOURS: Readonly<Record<WebhookEntry["state"], Colour>> = {
  spooled: "yellow",
  waiting: "yellow",
  running: "cyan",
  done: "green",
  filtered: "gray",
  dead: "red",
};

/** One webhook as a row under `HEAD`. */
export function rowOf(webhook: WebhookEntry): Cell[] {
  const { receivedAt, route, state, size, id } = webhook;
  return [
    { text: timeText(receivedAt), colour: "gray" },
    { text: route },
    { text: state, colour: STATE_COLOURS[state] },
    { text: String(size) },
    { text: id },
    { text: notes(webhook).join("; "), mayBeCut: true },
  ];
}

function notes({ items, duplicates, replayOf, reason }: WebhookEntry): string[] {
  return [
    ...(items > 1 ? [`${items} events`] : []),
    ...(duplicates > 0 ? [`sent ${duplicates + 1} times`] : []),
    ...(replayOf === null ? [] : ["replay"]),
    ...(reason === null || reason === "" ? [] : [reason]),
  ];
}

/** To the second; sorted, copied into `--since` and the same everywhere. */
export function timeText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

/** Relays that could not be asked: part of the truth is missing. */
export function warnOfSilent(silent: readonly string[], io: Pick<Io, "err">): void {
  for (const relay of silent) io.err(`warning: relay ${printable(relay)} gave no answer`);
}
