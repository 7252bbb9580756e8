/**
 * Options of a descriptor on Node, through setsockopt(2) by `node:ffi` of Node 26, which is loaded when an option is
 * first set that `node:net` has no call for.
 */

import { errnoName } from "../core/errno.ts";
import {
  getDescriptorOption,
  int32,
  type OptionCalls,
  setDescriptorOption,
  STREAM_OPTIONS,
} from "./libc_options.ts";
import { nodeProcess } from "./node_types.ts";

/** What `node:net` sets itself, and what only works before bind(2). */
const BY_NODE_NET = new Set([
  "SO_KEEPALIVE",
  "TCP_NODELAY",
  "SO_LINGER",
  "SO_REUSEPORT",
  "IPV6_V6ONLY",
]);

/** The options that can be set on a descriptor here. */
export function nodeOptions(): readonly string[] {
  return isOffered() ? STREAM_OPTIONS.filter((name) => !BY_NODE_NET.has(name)) : [];
}

/** Sets an option; answers `true` also for those that matter to connections only. */
export function setNodeOption(fd: number, name: string, value: number): boolean {
  if (BY_NODE_NET.has(name) || name === "SO_REUSEADDR") return true;
  const calls = optionCalls();
  return calls !== undefined && fd >= 0 && setDescriptorOption(calls, fd, name, value);
}

/** Reads an option; `undefined` where Node has no way to. */
export function getNodeOption(fd: number, name: string): number | undefined {
  // Reading alone is no reason to load the library: what was not set is the system's default.
  const calls = opened ?? (BY_NODE_NET.has(name) ? undefined : optionCalls());
  return calls === undefined || fd < 0 ? undefined : getDescriptorOption(calls, fd, name);
}

interface Ffi {
  dlopen(
    library: null,
    definitions: Record<string, { arguments: readonly string[]; return: string }>,
  ): { functions: Record<string, (...args: unknown[]) => number & bigint> };
  getInt32(pointer: bigint): number;
}

const SIGNATURES = {
  setsockopt: { arguments: ["i32", "i32", "i32", "pointer", "u32"], return: "i32" },
  getsockopt: { arguments: ["i32", "i32", "i32", "pointer", "pointer"], return: "i32" },
  __errno_location: { arguments: [], return: "pointer" },
} as const;

let opened: OptionCalls | null | undefined;

function optionCalls(): OptionCalls | undefined {
  if (opened === undefined) opened = isOffered() ? open() : null;
  return opened ?? undefined;
}

/** Whether this Node has `node:ffi` and permits it. */
function isOffered(): boolean {
  const process = nodeProcess();
  const major = Number(process.versions["node"]?.split(".")[0]);
  return process.platform === "linux" && major >= 26 &&
    (process.permission === undefined || process.permission.has("ffi"));
}

function open(): OptionCalls | null {
  const ffi = loadQuietly();
  if (ffi === undefined) return null;
  // The binary itself is linked to the C library.
  const { functions } = ffi.dlopen(null, SIGNATURES);
  const { setsockopt, getsockopt, __errno_location } = functions;
  const check = (result: number, syscall: string): void => {
    if (result === 0) return;
    const errno = ffi.getInt32(__errno_location!());
    const code = errnoName(errno);
    throw Object.assign(new Error(`${syscall} ${code}`), { code, errno, syscall });
  };
  return {
    setOption: (fd, level, number, value) => {
      check(setsockopt!(fd, level, number, value, value.length), "setsockopt");
    },
    getOption: (fd, level, number) => {
      const value = int32(0);
      check(getsockopt!(fd, level, number, value, int32(4)), "getsockopt");
      return new DataView(value.buffer).getInt32(0, true);
    },
  };
}

/** Node 26 prints a warning when the experimental module is loaded; a library must not write to stderr. */
function loadQuietly(): Ffi | undefined {
  const process = nodeProcess();
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule("node:ffi") as Ffi | undefined;
  } finally {
    process.emitWarning = emitWarning;
  }
}
