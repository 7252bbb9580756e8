/** Bytes from Node's modules. */

/** A Node Buffer as a plain array with a buffer of its own. */
export function plain(chunk: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = chunk;
  return buffer.byteLength === byteLength ? new Uint8Array(buffer) : new Uint8Array(chunk);
}
