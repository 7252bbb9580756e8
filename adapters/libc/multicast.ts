/** Multicast groups and interfaces of a descriptor, through setsockopt(2) of Linux. */

import { parseIPv4, parseIPv6 } from "../../core/address/inet.ts";
import { concat, int32 } from "../../core/bytes.ts";
import {
  AF_INET6,
  IP_ADD_MEMBERSHIP,
  IP_DROP_MEMBERSHIP,
  IP_MULTICAST_IF,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_JOIN_GROUP,
  IPV6_LEAVE_GROUP,
  IPV6_MULTICAST_IF,
} from "../../core/constants.ts";
import type { OptionCalls } from "./options.ts";

/** Joins or leaves a group; `device` is an interface's IPv4 address, its index for IPv6, or empty. */
export function joinGroup(
  calls: OptionCalls,
  fd: number,
  action: "join" | "leave",
  group: string,
  device: string,
): void {
  if (group.includes(":")) {
    const number = action === "join" ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP;
    const value = concat([parseIPv6(group) ?? new Uint8Array(16), int32(Number(device))]);
    calls.setOption(fd, IPPROTO_IPV6, number, value);
  } else {
    const number = action === "join" ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP;
    const value = concat([parseIPv4(group) ?? new Uint8Array(4), ipv4(device)]);
    calls.setOption(fd, IPPROTO_IP, number, value);
  }
}

/** Chooses the interface for outgoing multicast of a family. */
export function multicastInterface(
  calls: OptionCalls,
  fd: number,
  family: number,
  device: string,
): void {
  if (family === AF_INET6) {
    calls.setOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, int32(Number(device)));
  } else {
    calls.setOption(fd, IPPROTO_IP, IP_MULTICAST_IF, ipv4(device));
  }
}

function ipv4(device: string): Uint8Array {
  return parseIPv4(device) ?? new Uint8Array(4);
}
