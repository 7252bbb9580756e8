/** Standard input and output, and how a connection ends on Ctrl-C. */

import { Buffer } from "node:buffer";
import process from "node:process";
import { type Address, SHUT_RDWR, type Socket } from "../../mod.ts";

/** All of standard input. */
export async function readInput(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Writes to standard output, and waits until it is written. */
export function print(data: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(data, (error) => error ? reject(error) : resolve());
  });
}

/**
 * Hangs up when the signal is aborted: the end of the stream ends all calls of the files from `makefile`, none of
 * which has to be given the signal.
 *
 * @returns What to call when the conversation is over.
 */
export function hangUpOn(signal: AbortSignal, s: Socket<Address>): () => void {
  const hangUp = (): void => void s.shutdown(SHUT_RDWR).catch(() => {});
  signal.addEventListener("abort", hangUp);
  return () => signal.removeEventListener("abort", hangUp);
}
