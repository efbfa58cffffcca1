/** Binary heap of things due, by time, then by order of insertion (so that equal times stay deterministic). */
export class EventQueue<T> {
  readonly #items: { readonly atMs: number; readonly order: number; readonly item: T }[] = [];
  #order = 0;

  get size(): number {
    return this.#items.length;
  }

  /** Time of the next item; Infinity when there is none. */
  get nextMs(): number {
    return this.#items[0]?.atMs ?? Infinity;
  }

  push(atMs: number, item: T): void {
    const items = this.#items;
    const entry = { atMs, order: this.#order, item };
    this.#order += 1;
    let index = items.length;
    items.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = items[parent];
      if (above === undefined || !isBefore(entry, above)) break;
      items[index] = above;
      index = parent;
    }
    items[index] = entry;
  }

  /** Removes and returns the next item; undefined when there is none. */
  pop(): T | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (first === undefined || last === undefined) return undefined;
    if (items.length > 0) this.#sink(last);
    return first.item;
  }

  #sink(entry: { readonly atMs: number; readonly order: number; readonly item: T }): void {
    const items = this.#items;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      let below = items[child];
      if (below === undefined) break;
      const right = items[child + 1];
      if (right !== undefined && isBefore(right, below)) {
        child += 1;
        below = right;
      }
      if (!isBefore(below, entry)) break;
      items[index] = below;
      index = child;
    }
    items[index] = entry;
  }
}

function isBefore(
  a: { readonly atMs: number; readonly order: number },
  b: { readonly atMs: number; readonly order: number },
): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
