/**
 * System calls of Linux on Node, through `node:ffi` of Node 26. It is loaded on the first use of something that Node
 * has no call for.
 */

import { nodeProcess } from "../builtin/modules.ts";
import { Libc, LIBC_CALLS, type LibcCalls } from "../libc/libc.ts";

/** `node:ffi` */
interface Ffi {
  dlopen(
    library: null,
    definitions: Record<string, { arguments: readonly string[]; return: string }>,
  ): { functions: LibcCalls & Record<"__errno_location", () => bigint> };
  getInt32(pointer: bigint): number;
}

let opened: Libc | null | undefined;

/** Whether this version of Node has `node:ffi` and permits it. */
export function hasLibc(): boolean {
  return hasFfi() && isPermitted();
}

/** What is missing to use `node:ffi`, if anything is. */
export function ffiNeeded(): string {
  return hasFfi() && !isPermitted() ? "--allow-ffi" : "node:ffi of Node 26";
}

function hasFfi(): boolean {
  const process = nodeProcess();
  const major = Number(process.versions["node"]?.split(".")[0]);
  return process.platform === "linux" && major >= 26;
}

function isPermitted(): boolean {
  return nodeProcess().permission?.has("ffi") !== false;
}

/** The C library; `undefined` if it is not available. */
export function libc(): Libc | undefined {
  if (opened === undefined) opened = hasLibc() ? open() : null;
  return opened ?? undefined;
}

function open(): Libc | null {
  const ffi = loadQuietly();
  if (ffi === undefined) return null;
  // The binary itself is linked against the C library.
  const { __errno_location, ...calls } = ffi.dlopen(null, signatures()).functions;
  return new Libc(calls, () => ffi.getInt32(__errno_location()));
}

function signatures(): Record<string, { arguments: readonly string[]; return: string }> {
  const calls = Object.entries(LIBC_CALLS).map(([name, parameters]) => {
    const types = parameters.map((type) => type === "buffer" ? "pointer" : type);
    return [name, { arguments: types, return: "i32" }] as const;
  });
  return { ...Object.fromEntries(calls), __errno_location: { arguments: [], return: "pointer" } };
}

/**
 * Loads `node:ffi` without the warning that Node 26 prints for an experimental module: a library must not write to
 * stderr.
 */
function loadQuietly(): Ffi | undefined {
  const process = nodeProcess();
  const { emitWarning } = process;
  // Has no effect if a program has frozen `process`.
  const isQuiet = Reflect.set(process, "emitWarning", () => {});
  try {
    return process.getBuiltinModule("node:ffi") as Ffi | undefined;
  } finally {
    if (isQuiet) process.emitWarning = emitWarning;
  }
}
