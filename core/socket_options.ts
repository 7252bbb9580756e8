/** The options of one socket: what the user set, and what is answered for `getsockopt`. */

import type { Adapter, Handle, Settings } from "../adapters/adapter.ts";
import { describe, toBytes } from "./bytes.ts";
import { integer } from "./arguments.ts";
import { systemError } from "./errors.ts";
import { findOption, OPTIONS, type OptionSpec } from "./options.ts";

/** What `setsockopt` takes: a number, a boolean, the bytes of C's value, or `[onoff, seconds]` for SO_LINGER. */
export type OptionValue =
  | number
  | boolean
  | Uint8Array
  | ArrayBufferView
  | ArrayBuffer
  | readonly [onoff: number, seconds: number];

/** SO_LINGER as a setting: off, else the seconds. */
export const LINGER_OFF = -1;

/** What the options need to know of their socket. */
export interface OptionOwner {
  readonly adapter: Adapter;
  readonly type: number;
  /** The open socket, if there is one. */
  readonly handle: Handle | undefined;
  /** Answers an option that is part of the socket's state. */
  answer(name: string): number;
}

/** The options of one socket. */
export class SocketOptions {
  #owner: OptionOwner;
  #settings = new Map<string, number>();

  constructor(owner: OptionOwner) {
    this.#owner = owner;
  }

  /** What the user has set. */
  get settings(): Settings {
    return this.#settings;
  }

  /** Sets an option, on the real socket where there is one. */
  set(level: number, number: number, value: OptionValue): void {
    const spec = this.#find(level, number, "setsockopt");
    const setting = settingOf(spec, value);
    const support = this.#owner.adapter.capabilities().options[spec.name];
    if (spec.kind === "answer") {
      throw systemError("ENOPROTOOPT", "setsockopt", { detail: `${spec.name} can only be read` });
    }
    const { handle } = this.#owner;
    if (support === undefined || support === "get") throw this.#unsupported(spec, "setsockopt");
    if (handle !== undefined) {
      if (support === "before-open" || !handle.setOption(spec.name, setting)) {
        throw systemError("ENOPROTOOPT", "setsockopt", {
          detail:
            `${this.#owner.adapter.capabilities().adapter} can set ${spec.name} only before ` +
            "the socket is bound, connected or listening",
        });
      }
    }
    this.#settings.set(spec.name, setting);
  }

  /** Reads an option as an integer. */
  get(level: number, number: number): number {
    const value = this.#read(this.#find(level, number, "getsockopt"));
    return value;
  }

  /** Reads an option as the bytes of C's value, at most `length` of them. */
  getBytes(level: number, number: number, length: number): Uint8Array {
    const spec = this.#find(level, number, "getsockopt");
    return encode(spec, this.#setting(spec)).slice(0, length);
  }

  /** Sets on a socket that was just opened what was set before. */
  apply(handle: Handle): void {
    for (const [name, value] of this.#settings) handle.setOption(name, value);
  }

  /** Takes from a listener what an accepted socket has from it. */
  inherit(from: SocketOptions): void {
    for (const { name, inherited } of OPTIONS) {
      const value = from.#settings.get(name);
      if (inherited && value !== undefined) this.#settings.set(name, value);
    }
  }

  /** The seconds of SO_LINGER, `LINGER_OFF` where it is off. */
  get linger(): number {
    return this.#settings.get("SO_LINGER") ?? LINGER_OFF;
  }

  #read(spec: OptionSpec): number {
    const value = this.#setting(spec);
    return spec.kind === "linger" ? Number(value !== LINGER_OFF) : value;
  }

  #setting(spec: OptionSpec): number {
    if (spec.kind === "answer") return this.#owner.answer(spec.name);
    if (this.#owner.adapter.capabilities().options[spec.name] === undefined) {
      throw this.#unsupported(spec, "getsockopt");
    }
    const set = this.#settings.get(spec.name);
    // The library keeps these itself: the runtimes set SO_REUSEADDR on every socket.
    if (spec.name === "SO_REUSEADDR") return set ?? 0;
    if (spec.kind === "linger") return set ?? LINGER_OFF;
    return this.#owner.handle?.getOption(spec.name) ?? set ?? spec.initial;
  }

  #find(level: number, number: number, syscall: string): OptionSpec {
    const spec = findOption(level, number);
    if (
      spec === undefined || (spec.types !== undefined && !spec.types.includes(this.#owner.type))
    ) {
      const detail = spec === undefined
        ? `unknown option ${number} of level ${level}`
        : `${spec.name} is not an option of this type of socket`;
      throw systemError("ENOPROTOOPT", syscall, { detail });
    }
    return spec;
  }

  #unsupported(spec: OptionSpec, syscall: string): Error {
    const { adapter, optionsReason } = this.#owner.adapter.capabilities();
    const detail = `${spec.name} is not offered by ${adapter}: ${optionsReason}`;
    return systemError("ENOPROTOOPT", syscall, { detail });
  }
}

/** Checks a value and turns it into the setting that is stored. */
function settingOf(spec: OptionSpec, value: OptionValue): number {
  if (spec.kind === "linger") return lingerSetting(value);
  const number = typeof value === "boolean" ? Number(value) : numberOf(spec, value);
  if (spec.kind === "flag") return Number(number !== 0);
  if (number < spec.min || number > spec.max) {
    const detail = `${spec.name} must be ${spec.min} to ${spec.max}, not ${number}`;
    throw systemError("EINVAL", "setsockopt", { detail });
  }
  return number;
}

function numberOf(spec: OptionSpec, value: OptionValue): number {
  if (typeof value === "number") return integer(value, "value", -0x80000000, 0x7fffffff);
  if (Array.isArray(value) || typeof value === "string" || value === null) {
    throw new TypeError(
      `value of ${spec.name} must be a number, a boolean or bytes, not ${describe(value)}`,
    );
  }
  const bytes = toBytes(value as Uint8Array, "value");
  if (bytes.length < 4) {
    const detail = `${spec.name} takes 4 bytes, not ${bytes.length}`;
    throw systemError("EINVAL", "setsockopt", { detail });
  }
  return view(bytes).getInt32(0, true);
}

function lingerSetting(value: OptionValue): number {
  if (Array.isArray(value) && value.length === 2) {
    const onoff = integer(value[0], "value: onoff", -0x80000000, 0x7fffffff);
    const seconds = integer(value[1], "value: seconds", -0x80000000, 0x7fffffff);
    return onoff === 0 ? LINGER_OFF : Math.max(0, seconds);
  }
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    const bytes = toBytes(value as Uint8Array, "value");
    if (bytes.length >= 8) {
      const data = view(bytes);
      return data.getInt32(0, true) === 0 ? LINGER_OFF : Math.max(0, data.getInt32(4, true));
    }
  } else if (typeof value !== "number" && typeof value !== "boolean") {
    throw new TypeError(
      `value of SO_LINGER must be [onoff, seconds] or 8 bytes, not ${describe(value)}`,
    );
  }
  throw systemError("EINVAL", "setsockopt", {
    detail: "SO_LINGER takes [onoff, seconds] or 8 bytes",
  });
}

/** C's value: an int, or for SO_LINGER two. Little-endian, as the library's constants are those of Linux. */
function encode(spec: OptionSpec, value: number): Uint8Array {
  const linger = spec.kind === "linger";
  const bytes = new Uint8Array(linger ? 8 : 4);
  if (linger) {
    view(bytes).setInt32(0, Number(value !== LINGER_OFF), true);
    view(bytes).setInt32(4, Math.max(0, value), true);
  } else {
    view(bytes).setInt32(0, value, true);
  }
  return bytes;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
