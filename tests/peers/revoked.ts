/**
 * A program on Deno that gives `--allow-ffi` back while it has a connection, fills that and one made after, and says how
 * sends end that may not wait, or wait too long.
 */

import { create_connection, create_server, type SocketError } from "../../mod.ts";

interface Permissions {
  revokeSync(permission: { name: string }): unknown;
}

const { permissions } = (globalThis as unknown as { Deno: { permissions: Permissions } }).Deno;
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
console.log(codes.join(" "));
for (const s of [before, after, server]) await s.close();
