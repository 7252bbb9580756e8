/** Sockets of Bun, over `Bun.connect` and `Bun.listen`; on Linux on descriptors from libc. */

import type { Adapter, Capabilities } from "./adapter.ts";
import { ipv4OptionDetail, isZeroTtl } from "./builtin/datagram.ts";
import { nodeModule } from "./builtin/modules.ts";
import { hostname, interfaces, lookup, resolverErrorCode } from "./builtin/resolver.ts";
import { adopt } from "./bun/adopt.ts";
import { bind } from "./bun/bound.ts";
import { connect } from "./bun/connect.ts";
import { openDatagram } from "./bun/datagram.ts";
import { type BunLibc, libc } from "./bun/libc.ts";
import { bindNatively, connectNatively, nativeOptions } from "./bun/native.ts";
import { lookupService } from "./bun/resolver.ts";
import { bun } from "./bun/types.ts";
import { refusal } from "./coded_error.ts";
import { BIND_OPTIONS, DATAGRAM_OPTIONS, STREAM_OPTIONS } from "./libc/options.ts";
import { openDatagram as openNodeDatagram } from "./node/datagram.ts";
import {
  CORE_DATAGRAM_OPTIONS,
  CORE_OPTIONS,
  DGRAM_OPTIONS,
  frozen,
  supported,
} from "./option_support.ts";
import { takeReleased } from "./released.ts";

/** The adapter of Bun 1.4. */
export function createBunAdapter(): Adapter {
  return bunAdapter;
}

const bunAdapter: Adapter = {
  capabilities: () => known ??= frozen(capabilities()),
  bind: (request) => {
    const c = libc();
    return c === null ? bindNatively(request) : bind(c, request);
  },
  connect: (target) => {
    const c = libc();
    return c === null ? connectNatively(target, undefined) : connect(c, target);
  },
  datagram: (request) => {
    const c = libc();
    return c === null ? openNodeDatagram(request) : openDatagram(c, request);
  },
  adopt: (fd, type, remote) => takeReleased(fd, type) ?? adopt(needLibc(), fd, type, remote),
  closeDescriptor: (fd) => nodeModule("node:fs").closeSync(fd),
  duplicate: (fd) => needLibc().duplicate(fd),
  isInheritable: (fd) => libc()?.isInheritable(fd),
  setInheritable: (fd, inheritable) => needLibc().setInheritable(fd, inheritable),
  lookup,
  lookupService,
  hostname,
  interfaces,
  datagramOptionDetail: (family, name, value) =>
    libc() === null ? nodeOptionDetail(family, name, value) : undefined,
  errorCode,
  errorDetail: (cause) => (cause as { detail?: string }).detail,
};

let known: Capabilities | undefined;

function capabilities(): Capabilities {
  const withLibc = libc() !== null;
  const types: Capabilities["types"] = {
    AF_INET: ["SOCK_STREAM", "SOCK_DGRAM"],
    AF_INET6: ["SOCK_STREAM", "SOCK_DGRAM"],
    ...(withLibc ? { AF_UNIX: ["SOCK_STREAM"] } : {}),
  };
  return {
    adapter: "bun",
    version: bun()?.version ?? "",
    families: Object.keys(types),
    types,
    options: withLibc ? descriptorOptions() : nativeOptions(),
    optionsReason: withLibc
      ? "neither Bun nor the library has a call for it with this type of socket"
      : "Bun has no call for it, and there is no C library that the adapter knows",
    fileno: true,
    adopt: withLibc,
    adoptTypes: withLibc ? types : {},
    backlog: withLibc,
    reset: "always",
    datagramRefused: true,
    oob: false,
    ancillary: false,
  };
}

/** Why an option cannot be set without libc. */
function nodeOptionDetail(family: number, name: string, value: number): string | undefined {
  return isZeroTtl(name, value)
    ? "Bun cannot set IP_MULTICAST_TTL to 0 without libc"
    : ipv4OptionDetail(family, name);
}

function descriptorOptions(): Capabilities["options"] {
  return {
    SOCK_STREAM: {
      ...CORE_OPTIONS,
      ...supported("set", STREAM_OPTIONS),
      ...supported("before-open", ["IPV6_V6ONLY", ...BIND_OPTIONS]),
    },
    SOCK_DGRAM: {
      ...CORE_OPTIONS,
      ...CORE_DATAGRAM_OPTIONS,
      ...DGRAM_OPTIONS,
      ...supported("set", DATAGRAM_OPTIONS),
      IPV6_V6ONLY: "before-open",
    },
  };
}

function needLibc(): BunLibc {
  const c = libc();
  if (c !== null) return c;
  throw refusal("ENOTSUP", "there is no C library that is known here");
}

function errorCode(cause: unknown): string | undefined {
  const { code } = cause as { code?: unknown };
  return resolverErrorCode(cause) ?? (typeof code === "string" ? code : undefined);
}
