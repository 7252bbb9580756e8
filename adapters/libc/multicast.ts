/** Multicast groups and interfaces of a descriptor, through setsockopt(2) of Linux. */

import { parseIPv4, parseIPv6 } from "../../core/address/inet.ts";
import { concat, int32 } from "../../core/bytes.ts";
import type { OptionCalls } from "./options.ts";

const AF_INET6 = 10;
const IPPROTO_IP = 0;
const IPPROTO_IPV6 = 41;
const IP_MULTICAST_IF = 32;
const IP_ADD_MEMBERSHIP = 35;
const IP_DROP_MEMBERSHIP = 36;
const IPV6_MULTICAST_IF = 17;
const IPV6_JOIN_GROUP = 20;
const IPV6_LEAVE_GROUP = 21;

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
