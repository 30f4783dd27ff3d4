import type { Range } from "./record.ts";

/** Whole numbers above a floor, as few ranges: what is dealt with out of order has few holes. */
export class Ranges {
  #ranges: Range[] = [];

  /** In order, none touching another. */
  get list(): readonly Range[] {
    return this.#ranges;
  }

  has(number: number): boolean {
    return this.endOf(number) !== undefined;
  }

  /** Last of the range that `number` is in. */
  endOf(number: number): number | undefined {
    return this.#ranges.find(({ from, to }) => from <= number && number <= to)?.to;
  }

  /** Nothing happens when `to` is below `from`. */
  add(from: number, to: number): void {
    if (to < from) return;
    let low = from;
    let high = to;
    const apart: Range[] = [];
    for (const range of this.#ranges) {
      if (range.to < from - 1 || range.from > to + 1) {
        apart.push(range);
      } else {
        low = Math.min(low, range.from);
        high = Math.max(high, range.to);
      }
    }
    apart.push({ from: low, to: high });
    this.#ranges = apart.toSorted((a, b) => a.from - b.from);
  }

  /** Drops what `floor` covers, and what follows it without a hole. @returns The new floor. */
  raise(floor: number): number {
    let raised = floor;
    while (this.#ranges[0] !== undefined && this.#ranges[0].from <= raised + 1) {
      raised = Math.max(raised, this.#ranges[0].to);
      this.#ranges.shift();
    }
    return raised;
  }
}
