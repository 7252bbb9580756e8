/** A progress bar on standard error: a line that changes on a terminal, else one for each tenth. */

import process from "node:process";

/** How far something is. */
export class Progress {
  readonly #total: number | undefined;
  readonly #show: (count: number) => string;
  readonly #terminal: boolean = process.stderr.isTTY === true;
  #drawn = -1;

  /**
   * @param total How much there is to do, where that is known.
   * @param show How a count is written.
   */
  constructor(total: number | undefined, show: (count: number) => string = String) {
    this.#total = total;
    this.#show = show;
  }

  /** So much is done. Cheap enough to be called for every piece. */
  update(done: number): void {
    // Without a total a step is 4 MiB, or 4 Mi of whatever is counted.
    const steps = this.#terminal ? 100 : 10;
    const step = this.#total === undefined
      ? Math.floor(done / 2 ** 22)
      : Math.floor(done / Math.max(1, this.#total) * steps);
    if (step === this.#drawn) return;
    this.#drawn = step;
    this.#draw(done);
  }

  /** It is over: the line stays as it is. */
  end(done: number): void {
    if (this.#terminal) {
      this.#draw(done);
      process.stderr.write("\n");
    } else {
      this.update(done);
    }
  }

  #draw(done: number): void {
    const percent = this.#total === undefined
      ? undefined
      : Math.floor(100 * done / Math.max(1, this.#total));
    const text = percent === undefined
      ? this.#show(done)
      : `${String(percent).padStart(3)}%  ${this.#show(done)} of ${this.#show(this.#total!)}`;
    if (!this.#terminal) {
      process.stderr.write(`${text.trim()}\n`);
      return;
    }
    const full = Math.floor((percent ?? 0) * 30 / 100);
    const bar = percent === undefined ? "" : `[${"#".repeat(full)}${".".repeat(30 - full)}] `;
    // Back to the first column, and nothing left of a longer line.
    process.stderr.write(`\r\x1b[K${bar}${text}`);
  }
}
