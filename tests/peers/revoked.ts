/**
 * A program on Deno that gives `--allow-ffi` back while it has a socket: `revoked.ts full` fills a connection and one made
 * after, and says how sends end that may not wait, or wait too long; `revoked.ts multicast` says how multicast options of
 * a datagram socket end.
 */

import process from "node:process";
import {
  AF_INET,
  create_connection,
  create_server,
  IP_ADD_MEMBERSHIP,
  IP_DROP_MEMBERSHIP,
  IP_MULTICAST_IF,
  IPPROTO_IP,
  SOCK_DGRAM,
  Socket,
  type SocketError,
} from "../../mod.ts";

interface Permissions {
  revokeSync(permission: { name: string }): unknown;
}

const { permissions } = (globalThis as unknown as { Deno: { permissions: Permissions } }).Deno;

async function full(): Promise<string[]> {
  const server = await create_server(["127.0.0.1", 0]);
  const before = await create_connection(server.getsockname());
  permissions.revokeSync({ name: "ffi" });
  const after = await create_connection(server.getsockname());
  const codes: string[] = [];
  for (const s of [before, after]) {
    for (const timeout of [0, 0.05]) {
      s.settimeout(timeout);
      for (let code = ""; code === "";) {
        code = await s.send(new Uint8Array(100_000)).then(
          () => "",
          (error: SocketError) => error.code,
        );
        if (code !== "") codes.push(code);
      }
    }
  }
  for (const s of [before, after, server]) await s.close();
  return codes;
}

async function multicast(): Promise<string[]> {
  const s = new Socket(AF_INET, SOCK_DGRAM);
  await s.bind(["127.0.0.1", 0]);
  const [group, device] = [[239, 255, 0, 1], [127, 0, 0, 1]];
  const set = (option: number, value: number[]): string => {
    try {
      s.setsockopt(IPPROTO_IP, option, Uint8Array.from(value));
      return "set";
    } catch (error) {
      return (error as SocketError).code;
    }
  };
  const joined = set(IP_ADD_MEMBERSHIP, [...group, ...device]);
  permissions.revokeSync({ name: "ffi" });
  const codes = [
    joined,
    set(IP_ADD_MEMBERSHIP, [239, 255, 0, 2, ...device]),
    set(IP_DROP_MEMBERSHIP, [...group, ...device]),
    set(IP_MULTICAST_IF, device),
  ];
  await s.close();
  return codes;
}

const codes = await (process.argv[2] === "full" ? full() : multicast());
console.log(codes.join(" "));
