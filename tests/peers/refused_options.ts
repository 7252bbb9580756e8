/**
 * Sets options that the system refuses once there is a socket, many times, and prints as JSON how the calls ended and how
 * many sockets are left; each call is made once more, which succeeds. With `dropped` it sets one as root, and is nobody when connections come.
 */

import { readdirSync, readlinkSync } from "node:fs";
import process from "node:process";
import * as S from "../../mod.ts";

const ROUNDS = 20;

/** The sockets that are open. */
function descriptors(): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
    } catch {
      // The descriptor that read the folder.
      return false;
    }
  }).length;
}

/** How a call ended, each time, and how many sockets were left more than before. */
async function often(call: () => Promise<unknown>): Promise<[ends: string[], left: number]> {
  const ends = new Set<string>();
  // The first call may open what the runtime keeps.
  await call().catch(() => {});
  const before = descriptors();
  for (let i = 0; i < ROUNDS; i++) {
    ends.add(await call().then(String, (error) => `${error.syscall} ${error.code}`));
  }
  // What was closed has its time.
  for (let i = 0; i < 200 && descriptors() > before; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return [[...ends], Math.max(0, descriptors() - before)];
}

/** Lets nobody wait in the queue: where the option is set only then, a connection has been made. */
async function turnAway(server: S.Socket<S.Address>): Promise<void> {
  for await (const [conn] of server) await conn.close();
}

async function refused(): Promise<void> {
  await using tcp = await S.create_server(["127.0.0.1", 0]);
  await using unix = S.socket(S.AF_UNIX);
  await unix.bind("");
  await unix.listen();
  for (const server of [tcp, unix]) turnAway(server as S.Socket<S.Address>);
  const results: Record<string, unknown> = {};
  for (const option of ["SO_MARK", "SO_PRIORITY"] as const) {
    const using = async (
      server: S.Socket<S.InetAddress> | S.Socket<string>,
      call: (s: S.Socket<S.Address>) => Promise<unknown>,
    ): Promise<unknown> => {
      await using s: S.Socket<S.Address> = new S.Socket<S.Address>(server.family);
      s.setsockopt(S.SOL_SOCKET, S[option], 7);
      try {
        return await call(s);
      } catch (error) {
        // It is dropped, so that this succeeds.
        await call(s).catch((cause) => {
          throw new Error("refused again", { cause });
        });
        throw error;
      }
    };
    results[option] = {
      connect: await often(() => using(tcp, (s) => s.connect(tcp.getsockname()))),
      unix: await often(() => using(unix, (s) => s.connect(unix.getsockname()))),
      bind: await often(() => using(tcp, (s) => s.bind(["127.0.0.1", 0]))),
    };
  }
  console.log(JSON.stringify(results));
}

async function dropped(): Promise<void> {
  await using server = S.socket();
  server.setsockopt(S.SOL_SOCKET, S.SO_MARK, 7);
  await server.bind(["127.0.0.1", 0]);
  await server.listen();
  process.setgid!(65534);
  process.setuid!(65534);
  const result = await often(async () => {
    await using client = S.socket();
    await client.connect(server.getsockname());
    const [conn] = await server.accept();
    await using accepted = conn;
    return accepted.getsockopt(S.SOL_SOCKET, S.SO_MARK);
  });
  console.log(JSON.stringify(result));
}

// With the first signal that it listens to, Deno 2.9 opens two sockets of its own; on a slow machine that was at any time.
const ignore = (): void => {};
process.on("SIGUSR2", ignore).off("SIGUSR2", ignore);

await (process.argv[2] === "dropped" ? dropped() : refused());
