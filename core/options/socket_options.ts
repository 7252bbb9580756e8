/** The options of one socket: what the user set, and what `getsockopt` returns. */

import type {
  Adapter,
  Address,
  Datagram,
  Handle,
  OptionSupport,
  Settings,
} from "../../adapters/adapter.ts";
import { familyName } from "../address/address.ts";
import { isMapped } from "../address/inet.ts";
import {
  AF_INET6,
  AF_UNIX,
  IPPROTO_IPV6,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
} from "../constants.ts";
import { systemError, translate } from "../errors/errors.ts";
import { type Kind, protocolOf, typeName } from "../kind.ts";
import { Multicast } from "./multicast.ts";
import { setFailed } from "./set_failed.ts";
import { inheritedOf, NOTHING, without, withSetting } from "./settings.ts";
import { findOption, optionNamed, type OptionSpec } from "./table.ts";
import { encodeSetting, LINGER_OFF, type OptionValue, settingOf } from "./values.ts";

/** The state of a socket, as its options see it. */
export interface OptionSource {
  /** The open socket, if there is one yet. */
  readonly handle: Handle | undefined;
  /** Whether it listens (SO_ACCEPTCONN). */
  readonly listening: boolean;
  /** Takes the pending error's number (SO_ERROR). */
  takeErrno(): number;
}

/** The options of one socket, and of its duplicates. */
export class SocketOptions {
  #adapter: Adapter;
  #kind: Kind;
  #settings: Settings = NOTHING;
  /** Whether SO_RCVTIMEO or SO_SNDTIMEO is set to a value other than 0, which means none: not looked up in each call. */
  hasTimeouts: boolean = false;
  /** Created for the first multicast option. */
  #multicast: Multicast | undefined;

  constructor(adapter: Adapter, kind: Kind) {
    this.#adapter = adapter;
    this.#kind = kind;
  }

  /** The options set by the user. */
  get settings(): Settings {
    return this.#settings;
  }

  /** The seconds of SO_RCVTIMEO or SO_SNDTIMEO; 0 for none. */
  timeout(name: "SO_RCVTIMEO" | "SO_SNDTIMEO"): number {
    return this.#settings.get(name) ?? 0;
  }

  /** Whether closing resets the connection: after SO_LINGER [1, 0]. UNIX sockets have no reset. */
  get resets(): boolean {
    return this.#settings.get("SO_LINGER") === 0 && this.#kind.family !== AF_UNIX;
  }

  /** Sets an option, on the real socket if there is one. */
  set({ handle }: OptionSource, level: number, number: number, value: OptionValue): void {
    const spec = this.#find(level, number, "setsockopt");
    if (spec.kind === "answer") {
      throw systemError("ENOPROTOOPT", "setsockopt", { detail: `${spec.name} can only be read` });
    }
    const support = this.#support(spec);
    if (spec.kind === "membership" || spec.kind === "interface") {
      if (support === undefined) throw this.#unsupported(spec, "setsockopt");
      this.#multicast ??= new Multicast(this.#adapter);
      const set = this.#multicast.set(spec, value, handle as Datagram | undefined);
      if (set !== undefined) this.#settings = withSetting(this.#settings, spec.name, set);
      return;
    }
    const setting = settingOf(spec, value);
    if (support === undefined || support === "get") throw this.#unsupported(spec, "setsockopt");
    const detail = this.#kind.type === SOCK_DGRAM
      ? this.#adapter.datagramOptionDetail?.(this.#kind.family, spec.name, setting)
      : undefined;
    if (detail !== undefined) throw systemError("ENOPROTOOPT", "setsockopt", { detail });
    // As in Linux: a path is not a port.
    if (spec.name === "SO_REUSEPORT" && setting !== 0 && this.#kind.family === AF_UNIX) {
      throw systemError("EOPNOTSUPP", "setsockopt", { detail: "AF_UNIX has no ports to share" });
    }
    if (handle !== undefined && spec.name === "IPV6_V6ONLY") {
      // As in Linux once there is a port.
      throw systemError("EINVAL", "setsockopt", { detail: "IPV6_V6ONLY is for before bind" });
    }
    if (handle !== undefined && !this.#isKept(spec)) {
      if (support === "before-open" || !this.#setOn(handle, spec.name, setting)) {
        const { adapter: name } = this.#adapter.capabilities();
        const detail = `${name} cannot set ${spec.name} to this on an open socket; set it before ` +
          "bind, connect or listen";
        throw systemError("ENOPROTOOPT", "setsockopt", { detail });
      }
    }
    if (handle === undefined && setting === spec.unset) this.#forget(spec.name);
    else this.#settings = withSetting(this.#settings, spec.name, setting);
    this.#noteTimeouts();
  }

  /** Reads an option as an integer. */
  get(source: OptionSource, level: number, number: number): number {
    const spec = this.#find(level, number, "getsockopt");
    const value = this.#read(source, spec);
    return spec.kind === "linger" ? Number(value !== LINGER_OFF) : Math.floor(value);
  }

  /** Reads an option as the bytes of C's value, at most `length` of them. */
  getBytes(
    source: OptionSource,
    level: number,
    number: number,
    length: number,
  ): Uint8Array<ArrayBuffer> {
    const spec = this.#find(level, number, "getsockopt");
    return encodeSetting(spec, this.#read(source, spec)).slice(0, length);
  }

  /**
   * Sets the earlier options on a socket that was just opened. An option that the runtime cannot set is forgotten.
   *
   * @throws {SocketError} the system's error for an option, which is dropped; the others remain, to be set on another
   * socket
   */
  apply(handle: Handle): void {
    // Not with an iterator, which would create an array for each option of each connection.
    this.#settings.forEach((value, name) => {
      if (!this.#isForOpen(name)) return;
      try {
        if (this.#setOn(handle, name, value)) return;
      } catch (error) {
        this.#forget(name);
        throw error;
      }
      this.#forget(name);
    });
    this.#multicast?.apply(handle as Datagram, (name) => this.#forget(name));
  }

  /** Drops the option that made opening a socket fail, if one did: the next attempt goes without it. */
  dropRefused(cause: unknown): void {
    const option = (cause as { option?: string } | null | undefined)?.option;
    if (option !== undefined) this.#forget(option);
  }

  /**
   * Sets the options on an accepted connection. In Linux, accept(2) fails for no option: the connection inherits most
   * of them. One that is refused now may be in effect, such as the mark of a process that has dropped its privileges.
   */
  applyAccepted(handle: Handle): void {
    this.#settings.forEach((value, name) => {
      if (!this.#isForOpen(name)) return;
      try {
        if (handle.setOption(name, value)) return;
      } catch {
        // The system reports what is in effect.
      }
      this.#forget(name);
    });
  }

  /**
   * Whether an option is set after opening: not if it only works before bind or connect, since the adapter has set it
   * by then.
   */
  #isForOpen(name: string): boolean {
    const spec = optionNamed(name);
    return spec.forOpen && !this.#isKept(spec) && this.#support(spec) !== "before-open";
  }

  #isKept({ kept }: OptionSpec): boolean {
    return kept.includes(this.#kind.type);
  }

  #noteTimeouts(): void {
    this.hasTimeouts = this.timeout("SO_RCVTIMEO") !== 0 || this.timeout("SO_SNDTIMEO") !== 0;
  }

  #forget(name: string): void {
    this.#settings = without(this.#settings, name);
  }

  /**
   * Notes the bound address: for a specific IPv6 address Linux turns IPV6_V6ONLY on, and accepted connections inherit
   * that.
   */
  boundTo(address: Address): void {
    if (this.#kind.family !== AF_INET6 || !Array.isArray(address)) return;
    const [host] = address;
    if (host === "::" || isMapped(host)) return;
    this.#settings = withSetting(this.#settings, "IPV6_V6ONLY", 1);
  }

  /** Notes an option of a socket that was taken over; `undefined` if it is not known. */
  note(name: string, value: number | undefined): void {
    if (value !== undefined) this.#settings = withSetting(this.#settings, name, value);
  }

  /** Takes the options that an accepted socket inherits from its listener. */
  inherit(from: SocketOptions): void {
    this.#settings = inheritedOf(from.#settings);
    this.#noteTimeouts();
  }

  #read(source: OptionSource, spec: OptionSpec): number {
    if (spec.kind === "answer") return this.#answer(source, spec.name);
    if (this.#support(spec) === undefined) throw this.#unsupported(spec, "getsockopt");
    if (spec.kind === "membership") {
      throw systemError("ENOPROTOOPT", "getsockopt", { detail: `${spec.name} can only be set` });
    }
    const set = this.#settings.get(spec.name);
    if (spec.kind === "linger") return set ?? LINGER_OFF;
    if (this.#isKept(spec)) return set ?? 0;
    const { handle } = source;
    const real = handle === undefined ? undefined : this.#getFrom(handle, spec.name);
    const value = real ?? set;
    if (value === undefined || value === spec.unset) return this.#initial(spec);
    // Linux doubles a buffer size that is set, for its own bookkeeping, and reports the double.
    return spec.kind === "size" && real === undefined ? value * 2 : value;
  }

  /** The value of an option that is part of the socket's state. */
  #answer(source: OptionSource, name: string): number {
    const { type, family } = this.#kind;
    switch (name) {
      case "SO_TYPE":
        return type;
      case "SO_DOMAIN":
        return family;
      case "SO_PROTOCOL":
        return protocolOf(this.#kind);
      case "SO_ACCEPTCONN":
        return Number(source.listening);
      case "SO_ERROR":
        return source.takeErrno();
      default:
        // SO_RCVLOWAT and SO_SNDLOWAT.
        return 1;
    }
  }

  #initial(spec: OptionSpec): number {
    if (spec.kind !== "size") return spec.initial;
    // Linux's net.core.rmem_default and wmem_default, net.ipv4.tcp_rmem and tcp_wmem.
    if (this.#kind.type !== SOCK_STREAM || this.#kind.family === AF_UNIX) return 212992;
    return spec.name === "SO_RCVBUF" ? 131072 : 16384;
  }

  #setOn(handle: Handle, name: string, value: number): boolean {
    try {
      return handle.setOption(name, value);
    } catch (cause) {
      throw setFailed(this.#adapter, cause, `${name} ${value}`);
    }
  }

  #getFrom(handle: Handle, name: string): number | undefined {
    try {
      return handle.getOption(name);
    } catch (cause) {
      throw translate(this.#adapter, cause, "getsockopt", { detail: name });
    }
  }

  #find(level: number, number: number, syscall: string): OptionSpec {
    const { family, type } = this.#kind;
    const spec = findOption(level, number);
    if (spec === undefined) {
      const detail = `unknown option ${number} of level ${level}`;
      throw systemError("ENOPROTOOPT", syscall, { detail });
    }
    if (spec.kind === "none") {
      throw systemError("ENOPROTOOPT", syscall, { detail: `no adapter offers ${spec.name}` });
    }
    if (!appliesTo(spec, family, type)) {
      const detail = `${spec.name} is not an option of ${familyName(family)} ${typeName(type)}`;
      throw systemError(family === AF_UNIX ? "EOPNOTSUPP" : "ENOPROTOOPT", syscall, { detail });
    }
    return spec;
  }

  #support({ name }: OptionSpec): OptionSupport | undefined {
    return this.#adapter.capabilities().options[typeName(this.#kind.type)]?.[name];
  }

  #unsupported(spec: OptionSpec, syscall: string): Error {
    const { adapter, optionsReason } = this.#adapter.capabilities();
    const reason = this.#adapter.optionDetail?.(spec.name) ?? optionsReason;
    const detail = `${spec.name} is not offered by ${adapter}: ${reason}`;
    return systemError("ENOPROTOOPT", syscall, { detail });
  }
}

/** Whether a kind of socket has an option: AF_UNIX has only those of SOL_SOCKET, AF_INET none of IPv6. */
function appliesTo({ level, types }: OptionSpec, family: number, type: number): boolean {
  if (types !== undefined && !types.includes(type)) return false;
  if (family === AF_UNIX) return level === SOL_SOCKET;
  return level !== IPPROTO_IPV6 || family === AF_INET6;
}
