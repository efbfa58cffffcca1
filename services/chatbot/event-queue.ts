/** Binary heap of things due, by time, then by order of insertion (so that equal times stay deterministic). */
export class EventQueue<T> {
  // A column each, so that what is compared lies side by side.
  readonly #times: number[] = [];
  readonly #orders: number[] = [];
  readonly #items: T[] = [];
  #order = 0;

  get size(): number {
    return this.#items.length;
  }

  /** Time of the next item; Infinity when there is none. */
  get nextMs(): number {
    return this.#times.length === 0 ? Infinity : (this.#times[0] as number);
  }

  push(atMs: number, item: T): void {
    const times = this.#times;
    const orders = this.#orders;
    const items = this.#items;
    let index = times.length;
    // Of equal times the one that came first stays above.
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = times[parent] as number;
      if (above <= atMs) break;
      times[index] = above;
      orders[index] = orders[parent] as number;
      items[index] = items[parent] as T;
      index = parent;
    }
    times[index] = atMs;
    orders[index] = this.#order;
    items[index] = item;
    this.#order += 1;
  }

  /** Removes and returns the next item; undefined when there is none. */
  pop(): T | undefined {
    const first = this.#items[0];
    const atMs = this.#times.pop();
    const order = this.#orders.pop();
    const item = this.#items.pop();
    if (atMs === undefined || order === undefined) return undefined;
    if (this.#times.length > 0) this.#sink(atMs, order, item as T);
    return first;
  }

  #sink(atMs: number, order: number, item: T): void {
    const times = this.#times;
    const orders = this.#orders;
    const items = this.#items;
    const size = times.length;
    let index = 0;
    for (let child = 1; child < size; child = 2 * index + 1) {
      let below = times[child] as number;
      if (child + 1 < size) {
        const right = times[child + 1] as number;
        const isFirst =
          right < below ||
          (right === below && (orders[child + 1] as number) < (orders[child] as number));
        if (isFirst) {
          child += 1;
          below = right;
        }
      }
      if (below > atMs || (below === atMs && (orders[child] as number) > order)) break;
      times[index] = below;
      orders[index] = orders[child] as number;
      items[index] = items[child] as T;
      index = child;
    }
    times[index] = atMs;
    orders[index] = order;
    items[index] = item;
  }
}
