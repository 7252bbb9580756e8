/**
 * The system's resolver on Bun, whose look-up of names of addresses is c-ares, not the C library.
 */

import { lookupService as lookupServiceByCares } from "./node_resolver.ts";
import { nodeModule } from "./node_types.ts";
import { parseIPv4, parseIPv6 } from "../core/inet.ts";

/** getnameinfo of a numeric address and a TCP port. */
export async function lookupService(
  address: string,
  port: number,
): Promise<{ hostname: string; service: string }> {
  const answer = lookupServiceByCares(address, port);
  const early = await Promise.race([answer.catch(() => undefined), pause()]);
  if (early !== undefined) return early;
  // Bun 1.4: ENOTFOUND also when no server answers. A query by itself tells the two apart; beside
  // the first one, since that may take 12 seconds, and since only a second one makes Bun notice
  // that nobody listens.
  const down = isDown(address);
  try {
    return await answer;
  } catch (cause) {
    if (!await down) throw cause;
    throw Object.assign(new Error("no name server answers", { cause }), { code: "EAI_AGAIN" });
  }
}

/** How long the hosts file may take. */
function pause(): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), 20));
}

function isDown(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    nodeModule("node:dns").resolvePtr(
      pointerName(address),
      (error) => {
        const { code } = (error ?? {}) as { code?: string };
        resolve(["ECONNREFUSED", "ETIMEOUT", "ESERVFAIL", "EREFUSED"].includes(code ?? ""));
      },
    );
  });
}

/** The name under which DNS keeps the name of an address. */
function pointerName(address: string): string {
  const bytes = parseIPv4(address) ?? parseIPv6(address)!;
  const isMapped = bytes.length === 16 && /^(00){10}ffff/.test(hex(bytes));
  const plain = isMapped ? bytes.subarray(12) : bytes;
  return plain.length === 4
    ? `${[...plain].reverse().join(".")}.in-addr.arpa`
    : `${[...hex(plain)].reverse().join(".")}.ip6.arpa`;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
