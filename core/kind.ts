/** Valid combinations of family, type and protocol, as far as the adapter offers them. */

import type { Adapter } from "../adapters/adapter.ts";
import { familyName } from "./address/address.ts";
import { int } from "./arguments.ts";
import * as c from "./constants.ts";
import { systemError } from "./errors/errors.ts";

/** The family, type and protocol of a socket. */
export interface Kind {
  readonly family: number;
  readonly type: number;
  readonly proto: number;
}

const TYPE_NAMES: Readonly<Record<number, string>> = {
  [c.SOCK_STREAM]: "SOCK_STREAM",
  [c.SOCK_DGRAM]: "SOCK_DGRAM",
  [c.SOCK_RAW]: "SOCK_RAW",
  [c.SOCK_RDM]: "SOCK_RDM",
  [c.SOCK_SEQPACKET]: "SOCK_SEQPACKET",
};

/** The name of a socket type, or its number. */
export function typeName(type: number): string {
  return TYPE_NAMES[type] ?? String(type);
}

/** The kinds in use, a handful: sockets of the same kind share one. */
const known: Kind[] = [];

/** Checks family, type and protocol; -1 means the default, as in Python, and SOCK_CLOEXEC is stripped. */
export function checkKind(adapter: Adapter, family: number, type: number, proto: number): Kind {
  const kind = kindOf(
    int(family, "family") === -1 ? c.AF_INET : family,
    int(type, "type") === -1 ? c.SOCK_STREAM : type & ~c.SOCK_CLOEXEC,
    int(proto, "proto") === -1 ? 0 : proto,
  );
  const { types } = adapter.capabilities();
  const offered = types[familyName(kind.family)];
  if (offered === undefined) throw refused(adapter, kind, "EAFNOSUPPORT");
  if (!offered.includes(typeName(kind.type))) throw refused(adapter, kind, "ESOCKTNOSUPPORT");
  if (kind.proto !== 0 && kind.proto !== protocolOf(kind)) {
    throw refused(adapter, kind, "EPROTONOSUPPORT");
  }
  if (!known.includes(kind)) known.push(kind);
  return kind;
}

/** The known kind, or a new one. */
function kindOf(family: number, type: number, proto: number): Kind {
  for (const one of known) {
    if (one.family === family && one.type === type && one.proto === proto) return one;
  }
  return { family, type, proto };
}

/** The protocol of a kind of socket, as SO_PROTOCOL reports it. */
export function protocolOf({ family, type }: Pick<Kind, "family" | "type">): number {
  if (family === c.AF_UNIX) return 0;
  return type === c.SOCK_STREAM ? c.IPPROTO_TCP : c.IPPROTO_UDP;
}

function refused(adapter: Adapter, { family, type, proto }: Kind, code: string): Error {
  const { adapter: name, types } = adapter.capabilities();
  const offer = Object.entries(types).map(([key, list]) => `${key} with ${list.join(" or ")}`);
  const more = adapter.kindDetail?.(family, type);
  return systemError(code, "socket", {
    detail: `family ${familyName(family)}, type ${typeName(type)}, proto ${proto}; ` +
      `the ${name} adapter offers ${offer.join(", ")}` +
      (more === undefined ? "" : `; ${more}`),
  });
}
