/** Sockets of Node, over `node:net`. */

import type { Adapter, Capabilities } from "./adapter.ts";
import { ipv4OptionDetail } from "./builtin/datagram.ts";
import { nodeModule, nodeProcess } from "./builtin/modules.ts";
import { hostname, interfaces, lookup, lookupService } from "./builtin/resolver.ts";
import { refusal } from "./coded_error.ts";
import type { Libc } from "./libc/libc.ts";
import { adopt } from "./node/adopt.ts";
import { bind } from "./node/bound.ts";
import { connect } from "./node/connect.ts";
import { openDatagram } from "./node/datagram.ts";
import { errorCode, errorDetail } from "./node/errors.ts";
import { ffiNeeded, hasLibc, libc } from "./node/ffi.ts";
import { isInheritable } from "./node/inheritable.ts";
import { datagramOptions, streamOptions } from "./node/options.ts";
import {
  CORE_DATAGRAM_OPTIONS,
  CORE_OPTIONS,
  DGRAM_OPTIONS,
  frozen,
  supported,
} from "./option_support.ts";

/** The adapter of Node 20.16 and newer. */
export function createNodeAdapter(): Adapter {
  return nodeAdapter;
}

const nodeAdapter: Adapter = {
  capabilities: () => known ??= frozen(capabilities()),
  bind,
  connect,
  adopt,
  closeDescriptor: (fd) => nodeModule("node:fs").closeSync(fd),
  duplicate: (fd) => needLibc().duplicate(fd),
  isInheritable,
  setInheritable: (fd, inheritable) => needLibc().setInheritable(fd, inheritable),
  datagram: openDatagram,
  lookup,
  lookupService,
  hostname,
  interfaces,
  optionDetail: (name) =>
    name === "SO_REUSEPORT" && !hasReusePort() ? "it came with Node 22.12" : undefined,
  datagramOptionDetail: (family, name) => hasLibc() ? undefined : ipv4OptionDetail(family, name),
  errorCode,
  errorDetail,
};

/** Node has SO_REUSEPORT since 22.12. */
function hasReusePort(): boolean {
  const [major = 0, minor = 0] = (nodeProcess().versions["node"] ?? "0.0").split(".").map(Number);
  return major > 22 || (major === 22 && minor >= 12);
}

let known: Capabilities | undefined;

/** The stream sockets of the types. */
function streamsOf(types: Capabilities["types"]): Capabilities["types"] {
  return Object.fromEntries(Object.keys(types).map((family) => [family, ["SOCK_STREAM"]]));
}

function capabilities(): Capabilities {
  const early = hasReusePort() ? ["SO_REUSEPORT", "IPV6_V6ONLY"] : ["IPV6_V6ONLY"];
  const types: Capabilities["types"] = {
    AF_INET: ["SOCK_STREAM", "SOCK_DGRAM"],
    AF_INET6: ["SOCK_STREAM", "SOCK_DGRAM"],
    ...(nodeProcess().platform === "win32" ? {} : { AF_UNIX: ["SOCK_STREAM"] }),
  };
  return {
    adapter: "node",
    version: nodeProcess().version?.replace(/^v/, "") ?? "",
    families: Object.keys(types),
    types,
    options: {
      SOCK_STREAM: {
        ...CORE_OPTIONS,
        ...supported("set", ["SO_KEEPALIVE", "SO_LINGER", "TCP_NODELAY", ...streamOptions()]),
        ...supported("before-open", early),
      },
      SOCK_DGRAM: {
        ...CORE_OPTIONS,
        ...CORE_DATAGRAM_OPTIONS,
        ...DGRAM_OPTIONS,
        ...supported("set", datagramOptions()),
        ...supported("before-open", early),
      },
    },
    optionsReason: hasLibc()
      ? "neither Node nor the library has a call for it with this type of socket"
      : `node:net has no call for it, and the C library needs ${ffiNeeded()}`,
    fileno: true,
    adopt: true,
    adoptTypes: hasLibc() ? types : streamsOf(types),
    backlog: true,
    reset: "always",
    datagramRefused: true,
    oob: false,
    ancillary: false,
  };
}

function needLibc(): Libc {
  const c = libc();
  if (c !== undefined) return c;
  throw refusal("ENOTSUP", `it needs ${ffiNeeded()}`);
}
