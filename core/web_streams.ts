/** The Web Streams of a socket: `socket.readable` and `socket.writable`. */

import { type BytesLike, toBytes } from "./bytes.ts";
import { SHUT_RD, SHUT_WR } from "./constants.ts";

/** How many bytes are received for a reader that brings no buffer. */
const CHUNK = 65536;

/** The calls of the socket that the streams use. */
export interface StreamSocket {
  /** Receives up to so many bytes, or into a buffer; no bytes are the end. */
  receive(max: number): Promise<Uint8Array<ArrayBuffer>>;
  receiveInto(buffer: Uint8Array): Promise<number>;
  sendAll(data: Uint8Array): Promise<void>;
  shutdown(how: number): Promise<void>;
}

/** A byte stream that receives when it is read from; cancelling it ends receiving only. */
export function makeReadable(socket: StreamSocket): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    type: "bytes",
    async pull(controller: ReadableByteStreamController) {
      const request = controller.byobRequest;
      const view = request?.view;
      if (!request || !view) {
        const chunk = await socket.receive(CHUNK);
        if (chunk.length > 0) controller.enqueue(chunk);
        else controller.close();
        return;
      }
      const buffer = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      const count = await socket.receiveInto(buffer);
      if (count === 0) controller.close();
      request.respond(count);
    },
    async cancel() {
      await socket.shutdown(SHUT_RD);
    },
  });
}

/** A stream whose writes settle when the system has the bytes; closing or aborting it ends sending only. */
export function makeWritable(socket: StreamSocket): WritableStream<BytesLike> {
  return new WritableStream<BytesLike>({
    async write(chunk) {
      await socket.sendAll(toBytes(chunk, "chunk"));
    },
    async close() {
      await socket.shutdown(SHUT_WR);
    },
    async abort() {
      await socket.shutdown(SHUT_WR);
    },
  });
}
