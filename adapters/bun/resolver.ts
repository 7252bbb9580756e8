/** The system's resolver on Bun, which looks up names of addresses with c-ares, not with the C library. */

import { isMappedBytes, parseIPv4, parseIPv6 } from "../../core/address/inet.ts";
import { nodeModule } from "../builtin/modules.ts";
import { lookupService as lookupServiceByCares } from "../builtin/resolver.ts";
import { codedError } from "../coded_error.ts";
import { setTimeout } from "../timers.ts";

/** getnameinfo(3) of a numeric address and a TCP port. */
export async function lookupService(
  address: string,
  port: number,
): Promise<{ hostname: string; service: string }> {
  // The C library looks up a mapped address only in DNS, as IPv4; c-ares would also search the hosts file.
  if (bytesOf(address).length === 4 && address.includes(":")) {
    return { hostname: checked(await pointerOf(address)), service: String(port) };
  }
  const { hostname, service } = await ask(address, port);
  return { hostname: checked(hostname), service };
}

async function ask(address: string, port: number): Promise<{ hostname: string; service: string }> {
  const answer = lookupServiceByCares(address, port);
  const early = await Promise.race([answer.catch(() => undefined), pause()]);
  if (early !== undefined) return early;
  // Bun 1.4 reports ENOTFOUND even if no name server responds. A separate query distinguishes the two. It runs beside
  // the first, which may take 12 seconds, and only a second query makes Bun notice that nobody listens.
  const down = isDown(address);
  try {
    return await answer;
  } catch (cause) {
    if (!await down) throw cause;
    throw failure("EAI_AGAIN", cause);
  }
}

/** Waits as long as a look-up in the hosts file may take. */
function pause(): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), 20));
}

function isDown(address: string): Promise<boolean> {
  return pointerOf(address).then(
    () => false,
    (error) => (error as { code?: string }).code === "EAI_AGAIN",
  );
}

/** The name of an address in DNS. */
function pointerOf(address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    nodeModule("node:dns").resolvePtr(pointerName(address), (error, names) => {
      const [name] = names ?? [];
      if (name !== undefined) return resolve(name);
      const { code = "" } = (error ?? {}) as { code?: string };
      const isDown = ["ECONNREFUSED", "ETIMEOUT", "ESERVFAIL", "EREFUSED"].includes(code);
      reject(failure(isDown ? "EAI_AGAIN" : "EAI_NONAME", error));
    });
  });
}

/** Checks a name: the C library ignores one that no host can have. */
function checked(hostname: string): string {
  if (/^[\w.][\w.-]*$/.test(hostname)) return hostname;
  throw failure("EAI_NONAME", undefined);
}

function failure(code: string, cause: unknown): Error {
  const text = code === "EAI_AGAIN" ? "no name server answers" : "the address has no name";
  return codedError(code, text, cause);
}

/** The domain name under which DNS keeps the name of an address. */
function pointerName(address: string): string {
  const bytes = bytesOf(address);
  return bytes.length === 4
    ? `${[...bytes].reverse().join(".")}.in-addr.arpa`
    : `${[...hex(bytes)].reverse().join(".")}.ip6.arpa`;
}

/** The bytes of an address; for a mapped one those of the IPv4 address. */
function bytesOf(address: string): Uint8Array {
  const bytes = parseIPv4(address) ?? parseIPv6(address)!;
  return bytes.length === 16 && isMappedBytes(bytes) ? bytes.subarray(12) : bytes;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
