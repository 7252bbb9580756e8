/** System calls of Linux through `Deno.dlopen`, if `--allow-ffi` was granted. The library is opened on first use. */

import { nodeProcess } from "../builtin/modules.ts";
import { LIBC_CALLS, type LibcCalls, openLibc } from "../libc/libc.ts";
import { DenoLibc, STREAM_CALLS, type StreamCalls } from "./libc.ts";
import { deno, type DenoForeignFunction } from "./types.ts";

let opened: DenoLibc | null | undefined;
/** Deno updates it when permissions are granted and revoked; a new query costs 2 µs. */
let permission: { readonly state: string } | undefined;

/** Whether the calls are available now. It never prompts: a permission not granted yet counts as denied. */
export function hasLibc(): boolean {
  permission ??= deno().permissions.querySync({ name: "ffi" });
  return permission.state === "granted" && nodeProcess().platform === "linux" && opened !== null;
}

/** The C library; `undefined` if it is not permitted or none fits. */
export function libc(): DenoLibc | undefined {
  if (!hasLibc()) return undefined;
  if (opened === undefined) opened = openLibc(open);
  return opened ?? undefined;
}

function open(library: string): DenoLibc {
  const { UnsafePointer, UnsafePointerView } = deno();
  const { symbols } = deno().dlopen(library, signatures());
  const { __errno_location, ...calls } = symbols as
    & LibcCalls
    & StreamCalls
    & Record<"__errno_location", () => unknown>;
  // The memory itself: Deno 2.9 checks the permission at every access through a pointer, and it may be revoked.
  const errno = new Int32Array(new UnsafePointerView(__errno_location()).getArrayBuffer(4));
  return new DenoLibc(
    calls,
    () => errno[0]!,
    (bytes) => UnsafePointer.value(UnsafePointer.of(bytes)),
  );
}

function signatures(): Record<string, DenoForeignFunction> {
  const calls = Object.entries({ ...LIBC_CALLS, ...STREAM_CALLS })
    .map(([name, parameters]) => [name, { parameters, result: "i32" }] as const);
  return {
    ...Object.fromEntries(calls),
    __errno_location: { parameters: [], result: "pointer" },
  };
}
