/** The parts of the `Bun` namespace and of `bun:ffi` used by the adapter, as small structural types. */

import { nodeProcess } from "../builtin/modules.ts";

/** A TCP or UNIX socket of Bun. */
export interface BunSocket<Data> {
  data: Data;
  readonly fd: number;
  readonly localAddress?: string;
  readonly localPort?: number;
  readonly remoteAddress?: string;
  readonly remotePort?: number;
  /** Returns the count of bytes taken, -1 if the connection is gone. */
  write(chunk: Uint8Array): number;
  pause(): void;
  resume(): void;
  ref(): void;
  unref(): void;
  shutdown(): void;
  end(): void;
  terminate(): void;
  setNoDelay(on: boolean): void;
  setKeepAlive(on: boolean, delay: number): void;
}

/** The callbacks of a socket: one object serves all sockets of a role. */
export interface BunHandlers<Data> {
  open?(socket: BunSocket<Data>): void;
  data?(socket: BunSocket<Data>, chunk: Uint8Array<ArrayBuffer>): void;
  drain?(socket: BunSocket<Data>): void;
  end?(socket: BunSocket<Data>): void;
  close?(socket: BunSocket<Data>, error?: Error): void;
  error?(socket: BunSocket<Data>, error: Error): void;
  binaryType?: "uint8array";
}

/** A listening socket of Bun. */
export interface BunListener {
  readonly hostname?: string;
  readonly port?: number;
  readonly fd: number;
  ref(): void;
  unref(): void;
  stop(closeConnections: boolean): void;
}

/** A UDP socket of Bun. */
export interface BunUdpSocket {
  /** Returns whether the kernel took the datagram. */
  send(data: Uint8Array, port: number, address: string): boolean;
  ref(): void;
  unref(): void;
  close(): void;
}

/** The callbacks of a UDP socket. */
export interface BunUdpHandlers {
  data(socket: BunUdpSocket, data: Uint8Array<ArrayBuffer>, port: number, address: string): void;
  drain(socket: BunUdpSocket): void;
  error(error: Error): void;
}

/** The `Bun` namespace. */
export interface BunNamespace {
  readonly version: string;
  listen<Data>(options: Record<string, unknown> & { socket: BunHandlers<Data> }): BunListener;
  connect<Data>(
    options: Record<string, unknown> & { socket: BunHandlers<Data> },
  ): Promise<BunSocket<Data>>;
  udpSocket(
    options: Record<string, unknown> & { socket: BunUdpHandlers },
  ): Promise<BunUdpSocket>;
  /** Returns what a promise is fulfilled with, or the promise while it is pending. */
  peek<T>(promise: Promise<T>): T | Promise<T>;
}

/** `bun:ffi` */
export interface FfiModule {
  dlopen(
    library: string,
    symbols: Record<string, { args: readonly string[]; returns: string }>,
  ): { symbols: Record<string, (...args: unknown[]) => number> };
  readonly read: { i32(pointer: number, offset: number): number };
}

/** The `Bun` namespace of the runtime. */
export function bun(): BunNamespace {
  return (globalThis as unknown as { Bun: BunNamespace }).Bun;
}

/** Bun's foreign function interface. */
export function bunFfi(): FfiModule {
  return nodeProcess().getBuiltinModule("bun:ffi") as FfiModule;
}
