/** A queue in an array. */

/** How many taken places may be at the front: moving the rest for each item would be quadratic for a long queue. */
const MOST_TAKEN = 32;

/** First in, first out. It keeps nothing of what was taken. */
export class Fifo<T extends object> {
  #items: (T | undefined)[] = [];
  /** The place of the first item. */
  #head = 0;

  /** How many items it holds. */
  get length(): number {
    return this.#items.length - this.#head;
  }

  /** The item at a place, 0 for the first. */
  at(index: number): T | undefined {
    return this.#items[this.#head + index];
  }

  /** Adds an item at the end. */
  push(item: T): void {
    this.#items.push(item);
  }

  /** Puts another item in the place of the first. */
  replaceFirst(item: T): void {
    this.#items[this.#head] = item;
  }

  /** Takes the first item. */
  shift(): T | undefined {
    const items = this.#items;
    const first = items[this.#head];
    if (first === undefined) return undefined;
    items[this.#head++] = undefined;
    if (this.#head === items.length) {
      items.length = this.#head = 0;
    } else if (this.#head > MOST_TAKEN && this.#head * 2 > items.length) {
      items.splice(0, this.#head);
      this.#head = 0;
    }
    return first;
  }
}
