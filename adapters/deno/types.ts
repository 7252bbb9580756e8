/** The parts of the `Deno` namespace used by the adapter, as small structural types. */

import { AF_UNIX } from "../../core/constants.ts";
import type { Address } from "../adapter.ts";
import { refusal } from "../coded_error.ts";
import { addressFrom, pathOf } from "../endpoints.ts";

/** An address of Deno. */
export interface DenoNetAddr {
  readonly hostname?: string;
  readonly port?: number;
  readonly path?: string | null;
}

/** A `Deno.Conn`. */
export interface DenoConn {
  readonly localAddr: DenoNetAddr;
  readonly remoteAddr: DenoNetAddr;
  read(buffer: Uint8Array): Promise<number | null>;
  write(data: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  ref(): void;
  unref(): void;
  close(): void;
  setNoDelay?(on: boolean): void;
  setKeepAlive?(on: boolean): void;
}

/** A `Deno.Listener`. */
export interface DenoListener {
  readonly addr: DenoNetAddr;
  accept(): Promise<DenoConn>;
  ref(): void;
  unref(): void;
  close(): void;
}

/** A `Deno.DatagramConn`. */
export interface DenoDatagram {
  readonly addr: DenoNetAddr;
  receive(
    buffer: Uint8Array<ArrayBuffer>,
  ): Promise<[data: Uint8Array<ArrayBuffer>, from: DenoNetAddr]>;
  send(data: Uint8Array, to: Record<string, unknown>): Promise<number>;
  ref(): void;
  unref(): void;
  close(): void;
}

/** A function of a library. */
export interface DenoForeignFunction {
  readonly parameters: readonly string[];
  readonly result: string;
}

/** The `Deno` namespace. */
export interface DenoNamespace {
  /** The name of what Deno keeps for its own modules. */
  readonly internal?: symbol;
  readonly version: { readonly deno: string };
  readonly permissions: {
    querySync(permission: { name: string; host?: string }): { readonly state: string };
  };
  listen(options: Record<string, unknown>): DenoListener;
  connect(options: Record<string, unknown>): Promise<DenoConn>;
  /** Present with `--unstable-net` only. */
  listenDatagram?(options: Record<string, unknown>): DenoDatagram;
  statSync(path: string): { readonly dev: number; readonly ino: number | null };
  dlopen(
    library: string,
    symbols: Record<string, DenoForeignFunction>,
  ): { readonly symbols: Record<string, (...args: unknown[]) => unknown> };
  readonly UnsafePointer: {
    of(value: Uint8Array): unknown;
    value(pointer: unknown): bigint;
  };
  readonly UnsafePointerView: new (
    pointer: unknown,
  ) => { getArrayBuffer(byteLength: number): ArrayBuffer };
}

/** An address of Deno in the form of the socket's family. */
export function addressOf(family: number, addr: DenoNetAddr): Address {
  return family === AF_UNIX ? addr.path ?? "" : addressFrom(family, addr.hostname, addr.port);
}

/** The path of a UNIX address as Deno takes it. */
export function denoPathOf(address: string | Uint8Array): string {
  // Deno 2.9 binds such a path to a name of its own choice, and connects to none.
  if (address === "\0") {
    throw refusal("EINVAL", "Deno takes a single null character for no name");
  }
  return pathOf(address);
}

/** Whether Deno runs with `--unstable-net`. */
export function hasUnstableNet(): boolean {
  return deno().listenDatagram !== undefined;
}

/** The `Deno` namespace of the runtime. */
export function deno(): DenoNamespace {
  return (globalThis as unknown as { Deno: DenoNamespace }).Deno;
}
