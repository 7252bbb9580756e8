/** Bytes and text that the caller passes in. */

import { escapeControls } from "./errors/address_text.ts";

/** Data to send: bytes of any kind, or text, sent as UTF-8. */
export type BytesLike = Uint8Array | ArrayBufferView | ArrayBuffer | string;

const encoder = new TextEncoder();

/** An empty result, fresh each time: a returned array belongs to the caller. */
export function empty(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(0);
}

/**
 * A view of the given bytes; text is encoded as UTF-8, nothing else is copied.
 *
 * @throws {TypeError} when it is neither bytes nor text, or its buffer was detached
 */
export function toBytes(data: BytesLike, name: string): Uint8Array {
  return typeof data === "string" ? encoder.encode(data) : viewOf(data, name, "bytes or a string");
}

/**
 * A view of the given bytes, such as a receive buffer; text is refused.
 *
 * @throws {TypeError} when it is not bytes, or its buffer was detached
 */
export function toBuffer(buffer: ArrayBufferView | ArrayBuffer, name: string): Uint8Array {
  return viewOf(buffer, name, "bytes");
}

function viewOf(data: ArrayBufferView | ArrayBuffer, name: string, kind: string): Uint8Array {
  if (ArrayBuffer.isView(data)) {
    // Length first: reading a view's buffer is slow in Bun, and a detached view is empty.
    if (data.byteLength === 0 && isDetached(data.buffer)) {
      throw new TypeError(`${name} is a view of a detached buffer`);
    }
    return data.constructor === Uint8Array
      ? data
      : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  if (isArrayBuffer(data)) {
    if (data.byteLength === 0 && isDetached(data)) {
      throw new TypeError(`${name} is a detached buffer`);
    }
    return new Uint8Array(data);
  }
  throw new TypeError(`${name} must be ${kind}, not ${describe(data)}`);
}

/** Whether a value is an ArrayBuffer, even of another realm: `node:vm`, or the environments of Jest and Vitest. */
export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  if (value instanceof ArrayBuffer) return true;
  try {
    // The getter throws for anything else, whatever its tag claims.
    Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "byteLength")!.get!.call(value);
    return true;
  } catch {
    return false;
  }
}

/** Whether a value is a Uint8Array, even of another realm. */
export function isUint8Array(value: unknown): value is Uint8Array<ArrayBuffer> {
  return value instanceof Uint8Array ||
    ArrayBuffer.isView(value) &&
      Object.prototype.toString.call(value) === "[object Uint8Array]";
}

/** The total size of several buffers in bytes. */
export function totalOf(buffers: readonly Uint8Array[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
}

/** C's int, as little-endian bytes. */
export function int32(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  return bytes;
}

/** Joins arrays; a single one is returned as is. */
export function concat<B extends ArrayBufferLike>(
  parts: readonly Uint8Array<B>[],
): Uint8Array<B | ArrayBuffer> {
  if (parts.length === 1) return parts[0]!;
  const result = new Uint8Array(totalOf(parts));
  let offset = 0;
  for (const part of parts) {
    result.set(part, offset);
    offset += part.length;
  }
  return result;
}

/** A short, safe description of any value, for messages. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  switch (typeof value) {
    case "string":
      return escapeControls(JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value));
    case "bigint":
      return `${value}n`;
    case "number":
    case "boolean":
      return String(value);
    case "symbol":
    case "function":
      return `a ${typeof value}`;
    default:
      return describeObject(value);
  }
}

function describeObject(value: object): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  // A throwing getter or proxy must not replace the error under way.
  try {
    const name = value.constructor?.name;
    return typeof name === "string" && name !== "" && name !== "Object"
      ? `an object of class ${escapeControls(name)}`
      : "an object";
  } catch {
    return "an object";
  }
}

/** Whether an empty buffer is empty because it was detached. */
function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    // Node 20 has no `detached`; a view of a detached buffer throws everywhere.
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}
