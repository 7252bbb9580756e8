/** The parts of the `Deno` namespace that the adapter uses, as small structural types. */

/** An address of Deno's. */
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
  unref(): void;
  close(): void;
  setNoDelay?(on: boolean): void;
  setKeepAlive?(on: boolean): void;
}

/** A `Deno.Listener`. */
export interface DenoListener {
  readonly addr: DenoNetAddr;
  accept(): Promise<DenoConn>;
  close(): void;
}

/** The `Deno` namespace. */
export interface DenoNamespace {
  readonly version: { readonly deno: string };
  readonly permissions: {
    querySync(permission: { name: string; host?: string }): { readonly state: string };
  };
  listen(options: Record<string, unknown>): DenoListener;
  connect(options: Record<string, unknown>): Promise<DenoConn>;
}

/** The `Deno` namespace of the runtime. */
export function deno(): DenoNamespace {
  return (globalThis as unknown as { Deno: DenoNamespace }).Deno;
}
