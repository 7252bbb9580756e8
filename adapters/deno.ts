/** Sockets of Deno, over `Deno.listen` and `Deno.connect`, and over `node:net` for what only that module can do. */

import { AF_UNIX, SOCK_DGRAM } from "../core/constants.ts";
import type { Adapter, Capabilities } from "./adapter.ts";
import { hostname } from "./builtin/resolver.ts";
import { adopt } from "./deno/adopt.ts";
import { bind } from "./deno/bound.ts";
import { connect } from "./deno/connect.ts";
import { nodeOptionDetail, openDatagram } from "./deno/datagram.ts";
import { errorCode, errorDetail } from "./deno/errors.ts";
import { hasLibc, libc } from "./deno/ffi.ts";
import { datagramOptions, streamOptions } from "./deno/options.ts";
import { interfaces, lookup, lookupService } from "./deno/resolver.ts";
import { deno, hasUnstableNet } from "./deno/types.ts";
import { CORE_DATAGRAM_OPTIONS, CORE_OPTIONS, frozen, supported } from "./option_support.ts";
import { setTimeout } from "./timers.ts";

/** The adapter of Deno 2.9.5 and newer. */
export function createDenoAdapter(): Adapter {
  return denoAdapter;
}

const denoAdapter: Adapter = {
  // FFI may be granted or revoked while the program runs.
  capabilities: () =>
    hasLibc() ? withLibc ??= frozen(capabilities()) : withoutLibc ??= frozen(capabilities()),
  bind,
  connect,
  adopt,
  isInheritable: (fd) => libc()?.isInheritable(fd),
  datagram: openDatagram,
  lookup,
  lookupService,
  hostname,
  interfaces,
  turn,
  errorCode,
  errorDetail,
  kindDetail,
  datagramOptionDetail: (family, name, value) =>
    hasLibc() ? undefined : nodeOptionDetail(family, name, value),
};

let withLibc: Capabilities | undefined;
let withoutLibc: Capabilities | undefined;

function capabilities(): Capabilities {
  const types: Capabilities["types"] = {
    AF_INET: ["SOCK_STREAM", "SOCK_DGRAM"],
    AF_INET6: ["SOCK_STREAM", "SOCK_DGRAM"],
    AF_UNIX: hasUnstableNet() ? ["SOCK_STREAM", "SOCK_DGRAM"] : ["SOCK_STREAM"],
  };
  return {
    adapter: "deno",
    version: deno()?.version.deno ?? "",
    families: Object.keys(types),
    types,
    options: {
      SOCK_STREAM: {
        ...CORE_OPTIONS,
        ...supported("set", streamOptions()),
        ...supported(
          "before-open",
          hasUnstableNet() || hasLibc() ? ["IPV6_V6ONLY", "SO_REUSEPORT"] : ["IPV6_V6ONLY"],
        ),
      },
      SOCK_DGRAM: {
        ...CORE_OPTIONS,
        ...CORE_DATAGRAM_OPTIONS,
        ...supported("set", datagramOptions()),
        IPV6_V6ONLY: "before-open",
      },
    },
    optionsReason: optionsReason(),
    fileno: false,
    adopt: true,
    adoptTypes: { AF_INET: ["SOCK_STREAM"], AF_INET6: ["SOCK_STREAM"] },
    backlog: true,
    reset: hasLibc() ? "always" : "before-open",
    datagramRefused: false,
    oob: false,
    ancillary: false,
  };
}

function optionsReason(): string {
  if (hasLibc()) return "neither Deno nor the library has a call for it with this type of socket";
  const reason = "Deno has no call for it; --allow-ffi, on Linux, gives most of what is missing";
  return hasUnstableNet() ? reason : `${reason}, and --unstable-net gives SO_REUSEPORT of streams`;
}

function kindDetail(family: number, type: number): string | undefined {
  if (family !== AF_UNIX || type !== SOCK_DGRAM || hasUnstableNet()) return undefined;
  return "Deno has AF_UNIX datagrams with --unstable-net only";
}

/**
 * Two polls of the event loop: the first read of a fresh connection takes as many. Deno 2.9: setImmediate does not poll
 * for I/O, a timer does.
 */
async function turn(): Promise<void> {
  for (let polls = 0; polls < 2; polls++) {
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
  }
}
