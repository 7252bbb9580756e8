/**
 * The parts of Node's modules used by the adapters, as small structural types, and how they are loaded.
 *
 * Deno and Bun have the same modules; the parts that only they need are here, too. `process.getBuiltinModule` keeps
 * `node:` imports out of bundles and needs no permission.
 */

/** A socket of `node:net`. */
export interface NetSocket {
  readonly localAddress?: string;
  readonly localPort?: number;
  readonly remoteAddress?: string;
  readonly remotePort?: number;
  readonly writableLength: number;
  readonly writableEnded: boolean;
  readonly writableFinished: boolean;
  readonly errored: Error | null;
  readonly destroyed: boolean;
  readonly closed: boolean;
  /** The native handle; its descriptor is -1 if there is none. */
  readonly _handle?: {
    readonly fd?: number;
    reading?: boolean;
    /** Bytes that libuv has not sent. */
    readonly writeQueueSize?: number;
    ref(): void;
    unref(): void;
    readStop?(): number;
    useUserBuffer?(buffer: Uint8Array): void;
    getsockname?(out: HandleAddress): number;
    getpeername?(out: HandleAddress): number;
    /** Deno's: duplicates the descriptor. */
    fdForIpc?(): number;
  } | null;
  push(chunk: Uint8Array<ArrayBuffer> | null): boolean;
  _read(size: number): void;
  _destroy(error: Error | null, callback: (error: Error | null) => void): void;
  pause(): void;
  unref(): void;
  connect(options: Record<string, unknown>): void;
  write(chunk: Uint8Array, callback: (error?: Error | null) => void): boolean;
  end(callback: () => void): void;
  destroy(): void;
  destroySoon(): void;
  resetAndDestroy(): void;
  setNoDelay(on: boolean): void;
  setKeepAlive(on: boolean, delay?: number): void;
  on(event: string, listener: (argument: never) => void): void;
  once(event: string, listener: (argument: never) => void): void;
  off(event: string, listener: (argument: never) => void): void;
}

/** An object that a native handle writes an address to. */
export interface HandleAddress {
  address?: string;
  port?: number;
}

/** A server of `node:net`. */
export interface NetServer {
  _handle?: { readonly fd?: number; listen(backlog: number): number } | null;
  address(): { address: string; port: number } | string | null;
  listen(target: unknown, backlog?: number): void;
  /** Calls listen(2) on the server's own handle. */
  _listen2(address: null, port: number, addressType: number, backlog: number): void;
  ref(): void;
  unref(): void;
  close(): void;
  on(event: string, listener: (argument: never) => void): void;
  once(event: string, listener: (argument: never) => void): void;
  off(event: string, listener: (argument: never) => void): void;
}

/** `net.BoundSocket` of Node 24.21 and 26: a bound descriptor without a role. */
export interface BoundSocket {
  address(): { address: string; port: number } | string;
  fd(): number;
  close(): void;
}

/** The native handle that older versions of Node bind. */
export interface TcpHandle {
  readonly fd: number;
  bind(address: string, port: number): number;
  bind6(address: string, port: number, flags: number): number;
  getsockname(out: HandleAddress): number;
  listen(backlog: number): number;
  connect(request: object, address: string, port: number): number;
  connect6(request: object, address: string, port: number): number;
  close(): void;
}

/** A socket of `node:dgram`. */
export interface DgramSocket {
  address(): { address: string; port: number };
  bind(options: Record<string, unknown>): void;
  connect(port: number, address: string, callback: (error?: Error) => void): void;
  disconnect(): void;
  ref(): void;
  unref(): void;
  send(data: Uint8Array, callback: (error: Error | null) => void): void;
  send(
    data: Uint8Array,
    port: number,
    address: string,
    callback: (error: Error | null) => void,
  ): void;
  close(callback: () => void): void;
  setBroadcast(on: boolean): void;
  setTTL(ttl: number): void;
  setMulticastTTL(ttl: number): void;
  setMulticastLoopback(on: boolean): void;
  setMulticastInterface(device: string): void;
  addMembership(group: string, device?: string): void;
  dropMembership(group: string, device?: string): void;
  getRecvBufferSize(): number;
  getSendBufferSize(): number;
  setRecvBufferSize(size: number): void;
  setSendBufferSize(size: number): void;
  on(event: string, listener: (...args: never[]) => void): void;
  once(event: string, listener: (...args: never[]) => void): void;
  off(event: string, listener: (...args: never[]) => void): void;
}

/** `node:dgram` */
export interface DgramModule {
  createSocket(options: Record<string, unknown>): DgramSocket;
}

/** `node:net` */
export interface NetModule {
  Socket: {
    new (options: Record<string, unknown>): NetSocket;
    readonly prototype: NetSocket;
  };
  BoundSocket?: new (options: Record<string, unknown>) => BoundSocket;
  createServer(options: Record<string, unknown>): NetServer;
  /** Returns a handle, or a negative error number. */
  _createServerHandle(
    address: string | null,
    port: number,
    addressType: number,
    fd?: number,
    flags?: number,
  ): TcpHandle | number;
}

/** `node:fs` */
export interface FsModule {
  fstatSync(fd: number): { readonly ino: number; isSocket(): boolean };
  readFileSync(path: string, encoding: "utf8"): string;
  openSync(path: string, flags: string): number;
  closeSync(fd: number): void;
  accessSync(path: string, mode: number): void;
  readdirSync(path: string): string[];
  unlinkSync(path: string | Uint8Array): void;
  readSync(fd: number, buffer: Uint8Array): number;
  writeSync(fd: number, buffer: Uint8Array): number;
}

/** `node:dns` */
export interface DnsModule {
  lookup(
    name: string,
    options: { family: number; all: true; order?: string; verbatim?: boolean; port?: number },
    callback: (error: Error | null, answers: Array<{ address: string; family: number }>) => void,
  ): void;
  lookupService(
    address: string,
    port: number,
    callback: (error: Error | null, hostname: string, service: string) => void,
  ): void;
  resolvePtr(name: string, callback: (error: Error | null, names: string[]) => void): void;
}

/** `node:os` */
export interface OsModule {
  readonly devNull: string;
  hostname(): string;
  networkInterfaces(): Record<string, Array<{ address: string; scopeid?: number }> | undefined>;
}

/** `node:buffer` */
export interface BufferModule {
  readonly Buffer: {
    /** Returns uninitialized bytes with a buffer of their own. */
    allocUnsafeSlow(size: number): Uint8Array<ArrayBuffer>;
  };
}

/** A timer of `node:timers`. */
export interface NodeTimer {
  ref(): void;
  unref(): void;
}

/** `node:timers` */
export interface TimersModule {
  setInterval(callback: () => void, delay: number): NodeTimer;
  clearInterval(timer: NodeTimer): void;
}

/** `node:perf_hooks` */
export interface PerfHooksModule {
  readonly performance: { now(): number };
}

/** `node:util` */
export interface UtilModule {
  getSystemErrorName(errno: number): string;
}

/** The `process` object. */
export interface Process {
  readonly version: string;
  readonly platform: string;
  readonly versions: Readonly<Record<string, string | undefined>>;
  /** Present if Node runs with `--permission`. */
  readonly permission?: { has(scope: string): boolean };
  emitWarning: unknown;
  getBuiltinModule(name: string): unknown;
  binding(name: "tcp_wrap"): { readonly TCPConnectWrap: new () => object };
  binding(name: "util"): { guessHandleType(fd: number): string };
}

/** The `process` object of the runtime. */
export function nodeProcess(): Process {
  return (globalThis as unknown as { process: Process }).process;
}

const modules = new Map<string, unknown>();

/** A module of Node. */
export function nodeModule(name: "node:net"): NetModule;
export function nodeModule(name: "node:dgram"): DgramModule;
export function nodeModule(name: "node:fs"): FsModule;
export function nodeModule(name: "node:dns"): DnsModule;
export function nodeModule(name: "node:os"): OsModule;
export function nodeModule(name: "node:util"): UtilModule;
export function nodeModule(name: "node:buffer"): BufferModule;
export function nodeModule(name: "node:timers"): TimersModule;
export function nodeModule(name: "node:perf_hooks"): PerfHooksModule;
export function nodeModule(name: string): unknown {
  // Cached: the call is not cheap, and every connection needs it.
  let module = modules.get(name);
  if (module === undefined) modules.set(name, module = nodeProcess().getBuiltinModule(name));
  return module;
}
