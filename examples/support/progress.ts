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
    const step = this.#total === undefined
      ? Math.floor(done / 2 ** 22)
      : Math.floor(this.#part(done, this.#total) * (this.#terminal ? 100 : 10));
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

  /** From 0 to 1, which nothing is too. */
  #part(done: number, total: number): number {
    return total === 0 ? 1 : done / total;
  }

  #draw(done: number): void {
    let text = this.#show(done);
    let bar = "";
    if (this.#total !== undefined) {
      const part = this.#part(done, this.#total);
      const total = this.#show(this.#total);
      const percent = String(Math.floor(part * 100)).padStart(3);
      text = `${percent}%  ${this.#terminal ? text.padStart(total.length) : text} of ${total}`;
      // The last column stays free: a terminal that is written to its edge may begin a new line.
      const room = Math.min(30, columns() - 1 - text.length - "[] ".length);
      const full = Math.floor(part * room);
      if (room >= 5) bar = `[${"#".repeat(full)}${".".repeat(room - full)}] `;
    }
    process.stderr.write(
      // Back to the first column, and nothing left of a longer line.
      this.#terminal ? `\r\x1b[K${(bar + text).slice(0, columns() - 1)}` : `${text.trim()}\n`,
    );
  }
}

/** How wide the terminal is, now. Some do not tell. */
function columns(): number {
  return process.stderr.columns || 80;
}
