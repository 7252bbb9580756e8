/** The system's resolver on Deno, where names and addresses each need a permission. */

import type { LookupAnswer, NetworkInterface } from "../adapter.ts";
import * as system from "../builtin/resolver.ts";
import { codedError } from "../coded_error.ts";
import { deno } from "./types.ts";

/** getaddrinfo(3). With a port, `--allow-net=NAME:PORT` suffices. */
export async function lookup(
  name: string,
  family: 0 | 4 | 6,
  port: number = 0,
): Promise<LookupAnswer[]> {
  try {
    // Deno has the `port` option for its own node:net.
    return await system.lookupWith(name, { family, ...(port === 0 ? {} : { port }) });
  } catch (cause) {
    const { code, errno } = cause as { code?: unknown; errno?: unknown };
    if (code === "EPERM") throw denied(name, port, cause);
    checkDescriptors();
    // Deno 2.9: EAI_NODATA also stands for names that it does not pass on to the system.
    if (errno === system.UV_EAI_NODATA && !isHostName(name)) {
      throw codedError("EAI_NONAME", `no host name: ${name}`, cause);
    }
    throw cause;
  }
}

/** Throws the error of opening a descriptor if none can be opened: Deno 2.9 then reports that there is no such name. */
function checkDescriptors(): void {
  if (isPermitted("127.0.0.1", 0)) deno().listen({ hostname: "127.0.0.1", port: 0 }).close();
}

/** getnameinfo(3) of a numeric address and a TCP port. */
export async function lookupService(
  address: string,
  port: number,
): Promise<{ hostname: string; service: string }> {
  try {
    return await system.lookupService(address, port);
  } catch (cause) {
    if ((cause as { code?: unknown }).code === "EPERM") throw denied(address, port, cause);
    throw cause;
  }
}

/** The machine's interfaces: all of them only with `--allow-all`, which Deno requires for /sys. */
export function interfaces(): NetworkInterface[] {
  return system.interfaces(ALL.every((name) => isGranted({ name })));
}

/** The permissions that --allow-all grants. */
const ALL = ["read", "write", "net", "env", "run", "sys", "ffi"] as const;

/** Whether `--allow-net` covers a host at a port. */
export function isPermitted(host: string, port: number): boolean {
  try {
    return isGranted({ name: "net", host: hostAndPort(host, port) });
  } catch {
    // Deno cannot parse the host.
    return isGranted({ name: "net" });
  }
}

function isGranted(permission: { name: string; host?: string }): boolean {
  return deno().permissions.querySync(permission).state === "granted";
}

/** The error that Deno itself throws, unless it hides it behind EPERM. */
export function denied(host: string, port: number, cause?: unknown): Error {
  const text = hostAndPort(host, port);
  const error = new Error(
    `Requires net access to "${text}", run again with the --allow-net=${text} flag`,
    { cause },
  );
  return Object.assign(error, { name: "NotCapable", code: "EACCES" });
}

function hostAndPort(host: string, port: number): string {
  const literal = host.includes(":") ? `[${host}]` : host;
  return port === 0 ? literal : `${literal}:${port}`;
}

/** Whether Deno passes a name on to the system; it does not for an IPv4 address with a trailing dot. */
function isHostName(name: string): boolean {
  return /^[\w.-]+$/.test(name) && URL.canParse(`http://${name}/`) &&
    !/(^|\.)(0x[\da-f]*|\d+)\.$/i.test(name);
}
