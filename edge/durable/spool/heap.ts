/** Whatever comes first comes out first. A binary heap: a step costs the logarithm of its size. */
export class Heap<T> {
  #items: T[] = [];
  readonly #isBefore: (a: T, b: T) => boolean;

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  clear(): void {
    this.#items = [];
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = items[parent];
      if (above === undefined || !this.#isBefore(item, above)) break;
      items[at] = above;
      at = parent;
    }
    items[at] = item;
  }

  pop(): T | undefined {
    const [first] = this.#items;
    const last = this.#items.pop();
    if (last !== undefined && this.#items.length > 0) this.#sink(last);
    return first;
  }

  /** Puts `item` in the place of the first, and lets it down to its own. */
  #sink(item: T): void {
    const items = this.#items;
    let at = 0;
    for (;;) {
      const [left, right] = [at * 2 + 1, at * 2 + 2];
      let child = items[left];
      let next = left;
      const other = items[right];
      if (child !== undefined && other !== undefined && this.#isBefore(other, child)) {
        [child, next] = [other, right];
      }
      if (child === undefined || !this.#isBefore(child, item)) break;
      items[at] = child;
      at = next;
    }
    items[at] = item;
  }
}
