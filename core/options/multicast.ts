/** Multicast on a datagram socket: its groups, and the interface it sends through. */

import type { Adapter, Datagram } from "../../adapters/adapter.ts";
import { isMulticast } from "../address/inet.ts";
import { AF_INET, AF_INET6, IPPROTO_IPV6 } from "../constants.ts";
import { systemError } from "../errors/errors.ts";
import { interfacesOf } from "../names/resolve.ts";
import { setFailed } from "./set_failed.ts";
import type { OptionSpec } from "./table.ts";
import { interfaceOf, membershipOf, type OptionValue } from "./values.ts";

/** A call on the open socket. */
type Call = (handle: Datagram) => void;

/** The multicast options of one socket. Those set before it is open are postponed. */
export class Multicast {
  #adapter: Adapter;
  /** Postponed calls by what they set: an option's name, or the group and interface. */
  #postponed = new Map<string, Call>();

  constructor(adapter: Adapter) {
    this.#adapter = adapter;
  }

  /** Sets an option, on the socket if it is open. Returns the setting for `getsockopt`, if that reads the option. */
  set(spec: OptionSpec, value: OptionValue, handle: Datagram | undefined): number | undefined {
    if (spec.kind === "interface") return this.#interface(spec, value, handle);
    this.#membership(spec, value, handle);
    return undefined;
  }

  /** Makes the postponed calls: the socket is open. A call that fails is dropped and reported to `forget`. */
  apply(handle: Datagram, forget: (name: string) => void): void {
    this.#postponed.forEach((call, what) => {
      try {
        call(handle);
      } catch (error) {
        this.#postponed.delete(what);
        forget(what);
        throw error;
      }
    });
    this.#postponed.clear();
  }

  #membership(spec: OptionSpec, value: OptionValue, handle: Datagram | undefined): void {
    const { group, device } = membershipOf(spec, value);
    const join = spec.name === "IP_ADD_MEMBERSHIP" || spec.name === "IPV6_JOIN_GROUP";
    if (!isMulticast(group)) {
      // Linux only looks up an IPv4 group to leave; in all other cases it checks the address.
      const code = join || spec.level === IPPROTO_IPV6 ? "EINVAL" : "EADDRNOTAVAIL";
      throw systemError(code, "setsockopt", { detail: `${spec.name} ${group}` });
    }
    const where = this.#device(spec, device);
    const what = `${spec.name} ${group}${where === "" ? "" : ` on ${where}`}`;
    const call = this.#named(what, (handle) => {
      if (handle.membership === undefined) throw this.#missing(what);
      handle.membership(join ? "join" : "leave", group, where);
    });
    if (handle !== undefined) return call(handle);
    const joined = this.#joined(join, group, where);
    if (join) {
      if (joined !== undefined) throw systemError("EADDRINUSE", "setsockopt", { detail: what });
      this.#postponed.set(`${group} ${where}`, call);
    } else {
      if (joined === undefined) throw systemError("EADDRNOTAVAIL", "setsockopt", { detail: what });
      this.#postponed.delete(joined);
    }
  }

  /** The postponed join of the same group and interface, or the one that a leave would undo. */
  #joined(join: boolean, group: string, where: string): string | undefined {
    const postponed = this.#postponed;
    const own = `${group} ${where}`;
    if (postponed.has(own)) return own;
    const six = group.includes(":");
    // As in Linux: for IPv6, no interface means any.
    if (where === "" && six) {
      return [...postponed.keys()].find((what) => what.startsWith(own));
    }
    // This may be the interface that the system would choose.
    return six && !join && postponed.has(`${group} `) ? `${group} ` : undefined;
  }

  #interface(spec: OptionSpec, value: OptionValue, handle: Datagram | undefined): number {
    const { device, setting } = interfaceOf(spec, value);
    const where = this.#device(spec, device);
    const family = spec.level === IPPROTO_IPV6 ? AF_INET6 : AF_INET;
    const what = `${spec.name} ${where}`;
    const call = this.#named(what, (handle) => {
      if (handle.multicastInterface === undefined) throw this.#missing(what);
      handle.multicastInterface(where, family);
    });
    if (handle === undefined) this.#postponed.set(spec.name, call);
    else call(handle);
    return setting;
  }

  /** A call on the socket; `what` is for its errors. */
  #named(what: string, call: Call): Call {
    return (handle) => {
      try {
        call(handle);
      } catch (cause) {
        throw setFailed(this.#adapter, cause, what);
      }
    };
  }

  /** The error of an adapter that lists the option, but whose datagram sockets have no call for it. */
  #missing(what: string): Error {
    const { adapter } = this.#adapter.capabilities();
    return systemError("ENOTSUP", "setsockopt", {
      detail: `${what}: ${adapter} has no call for it`,
    });
  }

  /** An interface as the runtimes take it: by address for IPv4. */
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
}
