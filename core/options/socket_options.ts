/** The options of one socket: what the user set, and what is answered for `getsockopt`. */

import type {
  Adapter,
  Address,
  Datagram,
  Handle,
  OptionSupport,
  Settings,
} from "../../adapters/adapter.ts";
import { familyName } from "../address/address.ts";
import { isMapped, isMulticast } from "../address/inet.ts";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  IPPROTO_IPV6,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
} from "../constants.ts";
import { systemError, translate } from "../errors/errors.ts";
import { type Kind, protocolOf, typeName } from "../kind.ts";
import { interfacesOf } from "../names/resolve.ts";
import { findOption, type OptionSpec } from "./table.ts";
import {
  encodeSetting,
  interfaceOf,
  LINGER_OFF,
  membershipOf,
  type OptionValue,
  settingOf,
} from "./values.ts";

/** What the options need to know of their socket's state. */
export interface OptionSource {
  /** The open socket, if there is one yet. */
  readonly handle: Handle | undefined;
  /** Whether it listens (SO_ACCEPTCONN). */
  readonly listening: boolean;
  /** The pending error's number, taken away (SO_ERROR). */
  takeErrno(): number;
}

/** Kept by the library: the runtimes set SO_REUSEADDR on every socket, and none knows the timeouts. */
const KEPT = new Set(["SO_REUSEADDR", "SO_RCVTIMEO", "SO_SNDTIMEO"]);

/** Kept likewise where they mean nothing: on datagram sockets. */
const KEPT_OF_DATAGRAMS = new Set(["SO_KEEPALIVE", "SO_LINGER", "SO_OOBINLINE"]);

/** Set by calls of their own. */
const CALLED = new Set(["IP_MULTICAST_IF", "IPV6_MULTICAST_IF"]);

/** What Linux does not hand on to an accepted socket. */
const LISTENERS_OWN = ["SO_PRIORITY", "TCP_DEFER_ACCEPT"];

const NOTHING: Settings = new Map();

/** The change that was made last. */
let usual: { from: Settings; name: string; value: number; to: Settings } | undefined;

/** The settings with one more, or another value of one. */
function withSetting(from: Settings, name: string, value: number): Settings {
  if (usual?.from === from && usual.name === name && usual.value === value) return usual.to;
  const to = new Map(from).set(name, value);
  usual = { from, name, value, to };
  return to;
}

/** The options of one socket. */
export class SocketOptions {
  /** The socket's state: set once, before anything is asked. */
  declare source: OptionSource;
  #adapter: Adapter;
  #kind: Kind;
  /** Never changed, but replaced: connections that are all set in the same way share what they have set. */
  #settings: Settings = NOTHING;
  #hasTimeouts = false;
  /** Multicast calls made before the socket is open, by what they set: an option's name, or the group and interface. */
  #postponed: Map<string, (handle: Datagram) => void> | undefined;

  constructor(adapter: Adapter, kind: Kind) {
    this.#adapter = adapter;
    this.#kind = kind;
  }

  /** What the user has set. */
  get settings(): Settings {
    return this.#settings;
  }

  /** Whether SO_RCVTIMEO or SO_SNDTIMEO is set, and not to 0, which is none. */
  get hasTimeouts(): boolean {
    return this.#hasTimeouts;
  }

  /** The seconds of SO_LINGER, `LINGER_OFF` where it is off. */
  get linger(): number {
    return this.#settings.get("SO_LINGER") ?? LINGER_OFF;
  }

  /** Sets an option, on the real socket where there is one. */
  set(level: number, number: number, value: OptionValue): void {
    const spec = this.#find(level, number, "setsockopt");
    if (spec.kind === "answer") {
      throw systemError("ENOPROTOOPT", "setsockopt", { detail: `${spec.name} can only be read` });
    }
    if (spec.kind === "membership") return this.#membership(spec, value);
    if (spec.kind === "interface") return this.#interface(spec, value);
    const setting = settingOf(spec, value);
    const support = this.#support(spec);
    if (support === undefined || support === "get") throw this.#unsupported(spec, "setsockopt");
    const detail = this.#kind.type === SOCK_DGRAM
      ? this.#adapter.datagramOptionDetail?.(this.#kind.family, spec.name, setting)
      : undefined;
    if (detail !== undefined) throw systemError("ENOPROTOOPT", "setsockopt", { detail });
    // As Linux says; a path is no port.
    if (spec.name === "SO_REUSEPORT" && setting !== 0 && this.#kind.family === AF_UNIX) {
      throw systemError("EOPNOTSUPP", "setsockopt", { detail: "AF_UNIX has no ports to share" });
    }
    const { handle } = this.source;
    if (handle !== undefined && spec.name === "IPV6_V6ONLY") {
      // As Linux, once there is a port.
      throw systemError("EINVAL", "setsockopt", { detail: "IPV6_V6ONLY is for before bind" });
    }
    if (handle !== undefined && !this.#isKept(spec.name)) {
      if (support === "before-open" || !this.#setOn(handle, spec.name, setting)) {
        const { adapter: name } = this.#adapter.capabilities();
        const detail = `${name} cannot set ${spec.name} to this on an open socket; set it before ` +
          "bind, connect or listen";
        throw systemError("ENOPROTOOPT", "setsockopt", { detail });
      }
    }
    this.#settings = withSetting(this.#settings, spec.name, setting);
    if (spec.kind === "timeval") this.#hasTimeouts = hasTimeout(this.#settings);
  }

  /** Reads an option as an integer. */
  get(level: number, number: number): number {
    const spec = this.#find(level, number, "getsockopt");
    const value = this.#read(spec);
    return spec.kind === "linger" ? Number(value !== LINGER_OFF) : Math.floor(value);
  }

  /** Reads an option as the bytes of C's value, at most `length` of them. */
  getBytes(level: number, number: number, length: number): Uint8Array<ArrayBuffer> {
    const spec = this.#find(level, number, "getsockopt");
    return encodeSetting(spec, this.#read(spec)).slice(0, length);
  }

  /**
   * Sets on a socket that was just opened what was set before. What the runtime has no way to is as if it had not been
   * set.
   *
   * @throws {SocketError} what the system says of an option, which is dropped; the others are as before, to be set on
   * another socket
   */
  apply(handle: Handle): void {
    // Not by an iterator, which would make an array for each option of each connection.
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
    this.#postponed?.forEach((call, what) => {
      try {
        call(handle as Datagram);
      } catch (error) {
        this.#postponed?.delete(what);
        this.#forget(what);
        throw error;
      }
    });
    this.#postponed = undefined;
  }

  /** Opening a socket has failed: an option that was the reason is dropped, and the next try goes without it. */
  dropRefused(cause: unknown): void {
    const option = (cause as { option?: string } | null | undefined)?.option;
    if (option !== undefined) this.#forget(option);
  }

  /**
   * The same for an accepted connection. In Linux accept(2) fails for no option: it takes most from the listener, and
   * what is refused now may be in place, as the mark of a process that has dropped its privileges is.
   */
  applyAccepted(handle: Handle): void {
    this.#settings.forEach((value, name) => {
      if (!this.#isForOpen(name)) return;
      try {
        if (handle.setOption(name, value)) return;
      } catch {
        // What the connection has of it, the system tells.
      }
      this.#forget(name);
    });
  }

  /** Not for what only works before bind or connect: the adapter has set it by then. TCP_FASTOPEN is for listeners. */
  #isForOpen(name: string): boolean {
    return !this.#isKept(name) && !CALLED.has(name) && name !== "TCP_FASTOPEN" &&
      this.#supportOf(name) !== "before-open";
  }

  #isKept(name: string): boolean {
    return KEPT.has(name) || this.#kind.type === SOCK_DGRAM && KEPT_OF_DATAGRAMS.has(name);
  }

  #forget(name: string): void {
    const left = new Map(this.#settings);
    left.delete(name);
    this.#settings = left;
  }

  /** It is bound: for any one address of IPv6 Linux turns IPV6_V6ONLY on, which accepted connections have from it. */
  boundTo(address: Address): void {
    if (this.#kind.family !== AF_INET6 || !Array.isArray(address)) return;
    const [host] = address;
    if (host === "::" || isMapped(host)) return;
    this.#settings = withSetting(this.#settings, "IPV6_V6ONLY", 1);
  }

  /** Takes from a listener what an accepted socket has from it. */
  inherit(from: SocketOptions): void {
    this.#settings = from.#settings;
    this.#hasTimeouts = from.#hasTimeouts;
    if (LISTENERS_OWN.some((name) => from.#settings.has(name))) {
      const inherited = new Map(from.#settings);
      for (const name of LISTENERS_OWN) inherited.delete(name);
      this.#settings = inherited;
    }
  }

  #membership(spec: OptionSpec, value: OptionValue): void {
    if (this.#support(spec) === undefined) throw this.#unsupported(spec, "setsockopt");
    const { group, device } = membershipOf(spec, value);
    const join = spec.name === "IP_ADD_MEMBERSHIP" || spec.name === "IPV6_JOIN_GROUP";
    if (!isMulticast(group)) {
      // As Linux says to one that it looks for.
      const code = join || spec.level === IPPROTO_IPV6 ? "EINVAL" : "EADDRNOTAVAIL";
      throw systemError(code, "setsockopt", { detail: `${spec.name} ${group}` });
    }
    const where = this.#device(spec, device);
    const what = `${spec.name} ${group}${where === "" ? "" : ` on ${where}`}`;
    const call = this.#named(what, (handle) => {
      if (handle.membership === undefined) throw this.#missing(what);
      handle.membership(join ? "join" : "leave", group, where);
    });
    const { handle } = this.source;
    if (handle !== undefined) return call(handle as Datagram);
    const joined = this.#joined(join, group, where);
    if (join) {
      if (joined !== undefined) throw systemError("EADDRINUSE", "setsockopt", { detail: what });
      (this.#postponed ??= new Map()).set(`${group} ${where}`, call);
    } else {
      if (joined === undefined) throw systemError("EADDRNOTAVAIL", "setsockopt", { detail: what });
      this.#postponed!.delete(joined);
    }
  }

  /** The postponed join that has joined a group on an interface already, or that leaving it takes back. */
  #joined(join: boolean, group: string, where: string): string | undefined {
    const postponed = this.#postponed;
    const own = `${group} ${where}`;
    if (postponed === undefined) return undefined;
    if (postponed.has(own)) return own;
    const six = group.includes(":");
    // As Linux looks for them: without an interface any will do for IPv6.
    if (where === "" && six) {
      return [...postponed.keys()].find((what) => what.startsWith(own));
    }
    // Perhaps this is the interface that the system would choose.
    return six && !join && postponed.has(`${group} `) ? `${group} ` : undefined;
  }

  #interface(spec: OptionSpec, value: OptionValue): void {
    if (this.#support(spec) === undefined) throw this.#unsupported(spec, "setsockopt");
    const { device, setting } = interfaceOf(spec, value);
    const where = this.#device(spec, device);
    const family = spec.level === IPPROTO_IPV6 ? AF_INET6 : AF_INET;
    const what = `${spec.name} ${where}`;
    const call = this.#named(what, (handle) => {
      if (handle.multicastInterface === undefined) throw this.#missing(what);
      handle.multicastInterface(where, family);
    });
    const { handle } = this.source;
    if (handle === undefined) (this.#postponed ??= new Map()).set(spec.name, call);
    else call(handle as Datagram);
    this.#settings = withSetting(this.#settings, spec.name, setting);
  }

  /** A call of the socket; `what` is for its errors. */
  #named(what: string, call: (handle: Datagram) => void): (handle: Datagram) => void {
    return (handle) => {
      try {
        call(handle);
      } catch (cause) {
        throw this.#failed(cause, what);
      }
    };
  }

  /** The adapter says that it has the option, but its datagram sockets have no call for it. */
  #missing(what: string): Error {
    const { adapter } = this.#adapter.capabilities();
    return systemError("ENOTSUP", "setsockopt", {
      detail: `${what}: ${adapter} has no call for it`,
    });
  }

  /** IPv4 interfaces are told to the runtimes by address. */
  #device(spec: OptionSpec, device: string): string {
    if (spec.level === IPPROTO_IPV6 || !/^\d+$/.test(device)) return device;
    const found = interfacesOf(this.#adapter, "setsockopt")
      .find(({ index }) => index === Number(device));
    const address = found?.addresses.find((text) => !text.includes(":"));
    if (address === undefined) {
      const code = spec.kind === "membership" ? "ENODEV" : "EADDRNOTAVAIL";
      throw systemError(code, "setsockopt", { detail: `interface ${device}` });
    }
    return address;
  }

  #read(spec: OptionSpec): number {
    if (spec.kind === "answer") return this.#answer(spec.name);
    if (this.#support(spec) === undefined) throw this.#unsupported(spec, "getsockopt");
    if (spec.kind === "membership") {
      throw systemError("ENOPROTOOPT", "getsockopt", { detail: `${spec.name} can only be set` });
    }
    const set = this.#settings.get(spec.name);
    if (spec.kind === "linger") return set ?? LINGER_OFF;
    if (this.#isKept(spec.name)) return set ?? 0;
    const { handle } = this.source;
    const real = handle === undefined ? undefined : this.#getFrom(handle, spec.name);
    const value = real ?? set;
    if (value === undefined || value === spec.unset) return this.#initial(spec);
    // Linux doubles the buffer sizes that are set, for its own bookkeeping, and tells the double.
    return spec.kind === "size" && real === undefined ? value * 2 : value;
  }

  /** An option that is part of the socket's state. */
  #answer(name: string): number {
    const { type, family } = this.#kind;
    switch (name) {
      case "SO_TYPE":
        return type;
      case "SO_DOMAIN":
        return family;
      case "SO_PROTOCOL":
        return protocolOf(this.#kind);
      case "SO_ACCEPTCONN":
        return Number(this.source.listening);
      case "SO_ERROR":
        return this.source.takeErrno();
      default:
        // SO_RCVLOWAT and SO_SNDLOWAT.
        return 1;
    }
  }

  #initial(spec: OptionSpec): number {
    if (spec.kind !== "size") return spec.initial;
    // net.core.rmem_default and wmem_default, net.ipv4.tcp_rmem and tcp_wmem of Linux.
    if (this.#kind.type !== SOCK_STREAM || this.#kind.family === AF_UNIX) return 212992;
    return spec.name === "SO_RCVBUF" ? 131072 : 16384;
  }

  #setOn(handle: Handle, name: string, value: number): boolean {
    try {
      return handle.setOption(name, value);
    } catch (cause) {
      throw this.#failed(cause, `${name} ${value}`);
    }
  }

  #getFrom(handle: Handle, name: string): number | undefined {
    try {
      return handle.getOption(name);
    } catch (cause) {
      throw translate(this.#adapter, cause, "getsockopt", { detail: name });
    }
  }

  /** What the system says of an option, with its name and value, where the adapter does not know more. */
  #failed(cause: unknown, what: string): Error {
    const detail = this.#adapter.errorDetail?.(cause) ?? what;
    return translate(this.#adapter, cause, "setsockopt", { detail });
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

  #support(spec: OptionSpec): OptionSupport | undefined {
    return this.#supportOf(spec.name);
  }

  #supportOf(name: string): OptionSupport | undefined {
    return this.#adapter.capabilities().options[typeName(this.#kind.type)]?.[name];
  }

  #unsupported(spec: OptionSpec, syscall: string): Error {
    const { adapter, optionsReason } = this.#adapter.capabilities();
    const detail = `${spec.name} is not offered by ${adapter}: ${optionsReason}`;
    return systemError("ENOPROTOOPT", syscall, { detail });
  }
}

function hasTimeout(settings: Settings): boolean {
  return ["SO_RCVTIMEO", "SO_SNDTIMEO"].some((name) => (settings.get(name) ?? 0) !== 0);
}

/** Whether a kind of socket has an option: AF_UNIX only those of SOL_SOCKET, AF_INET none of IPv6. */
function appliesTo({ level, types }: OptionSpec, family: number, type: number): boolean {
  if (types !== undefined && !types.includes(type)) return false;
  if (family === AF_UNIX) return level === SOL_SOCKET;
  return level !== IPPROTO_IPV6 || family === AF_INET6;
}
