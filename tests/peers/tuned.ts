/**
 * A program that sets options on sockets, says what it then reads of them, and lets others look. It is started with
 * what Deno needs for that: `tuned.ts HOW HOST PORT`, where the port is the peer's.
 */

import process from "node:process";
import * as socket from "../../mod.ts";

const { AF_INET, AF_INET6, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, SOL_SOCKET } = socket;
const [how, host = "", port = "0"] = process.argv.slice(2);
const family = host.includes(":") ? AF_INET6 : AF_INET;
type Inet = socket.Socket<socket.InetAddress>;
type Tried = readonly [name: string, level: number, number: number, values: number[]];
type Row = readonly [name: string, level: number, number: number, value: number];

const TCP: readonly Row[] = [
  ["SO_KEEPALIVE", SOL_SOCKET, socket.SO_KEEPALIVE, 1],
  ["SO_RCVBUF", SOL_SOCKET, socket.SO_RCVBUF, 50_000],
  ["SO_SNDBUF", SOL_SOCKET, socket.SO_SNDBUF, 60_000],
  ["TCP_KEEPIDLE", IPPROTO_TCP, socket.TCP_KEEPIDLE, 1000],
  ["TCP_KEEPINTVL", IPPROTO_TCP, socket.TCP_KEEPINTVL, 11],
  ["TCP_KEEPCNT", IPPROTO_TCP, socket.TCP_KEEPCNT, 3],
  ["TCP_USER_TIMEOUT", IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 9000],
  ["TCP_CORK", IPPROTO_TCP, socket.TCP_CORK, 0],
];
const HOPS: readonly Row[] = family === AF_INET
  ? [["IP_TTL", IPPROTO_IP, socket.IP_TTL, 33], ["IP_TOS", IPPROTO_IP, socket.IP_TOS, 0x10]]
  : [["IPV6_UNICAST_HOPS", IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 33]];

function say(value: unknown): void {
  console.log(JSON.stringify(value));
}

function tune(s: Inet, rows: readonly Row[]): void {
  for (const [, level, number, value] of rows) s.setsockopt(level, number, value);
}

function read(s: Inet, rows: readonly Row[]): Record<string, number> {
  return Object.fromEntries(rows.map(([name, level, number]) => [
    name,
    s.getsockopt(level, number),
  ]));
}

/** Says what is set, waits for the peer's byte, and resets the connection. */
async function show(s: Inet): Promise<void> {
  say({ port: s.getsockname()[1], values: read(s, [...TCP, ...HOPS]) });
  await s.recv(1);
  s.setsockopt(SOL_SOCKET, socket.SO_LINGER, [1, 0]);
  await s.close();
}

/** How the options get onto the socket. */
const ways: Record<string, () => Promise<void>> = {
  /** On a connection that stands. */
  async after() {
    const s = socket.socket(family) as Inet;
    await s.connect([host, Number(port)]);
    tune(s, [...TCP, ...HOPS]);
    await show(s);
  },
  /** Before connect. */
  async before() {
    const s = socket.socket(family) as Inet;
    tune(s, [...TCP, ...HOPS]);
    await s.connect([host, Number(port)]);
    await show(s);
  },
  /** Before connect, only those that the first packet shows. */
  async first() {
    const s = socket.socket(family) as Inet;
    tune(s, HOPS);
    await s.connect([host, Number(port)]);
    await s.recv(1);
    await s.close();
  },
  /** Before connect, from an address of its own. */
  async bound() {
    const s = socket.socket(family) as Inet;
    await s.bind([host, 0]);
    tune(s, [...TCP, ...HOPS]);
    await s.connect([host, Number(port)]);
    await show(s);
  },
  /** On a listener; what it accepts has them from there. */
  async accepted() {
    const server = socket.socket(family) as Inet;
    await server.bind([host, 0]);
    tune(server, [...TCP, ...HOPS]);
    await server.listen(7);
    say(server.getsockname()[1]);
    const [s] = await server.accept();
    await server.close();
    await show(s);
  },
  /** On a UDP socket, which answers its peer. */
  async datagram() {
    const s = socket.socket(family, socket.SOCK_DGRAM) as Inet;
    s.setsockopt(SOL_SOCKET, socket.SO_RCVBUF, 50_000);
    await s.bind([host, 0]);
    tune(s, HOPS);
    say(read(s, [["SO_RCVBUF", SOL_SOCKET, socket.SO_RCVBUF, 0], ...HOPS]));
    await s.sendto("hello", [host, Number(port)]);
    const [data, from] = await s.recvfrom(100);
    await s.sendto(data, from!);
    await s.close();
  },
  /** Of a connection or a UDP socket: what is read of each option in turn, set to each of its values. */
  async each() {
    const [rows, type] = JSON.parse(process.argv[5]!) as [Tried[], number];
    const s = socket.socket(family, type) as Inet;
    const offered = socket.capabilities()
      .options[type === socket.SOCK_STREAM ? "SOCK_STREAM" : "SOCK_DGRAM"]!;
    if (type === socket.SOCK_STREAM) await s.connect([host, Number(port)]);
    else await s.bind([host, 0]);
    const found: Record<string, unknown> = {};
    for (const [name, level, number, values] of rows) {
      if (offered[name] === undefined) continue;
      found[name] = values.map((value) => {
        try {
          s.setsockopt(level, number, value);
        } catch (error) {
          return (error as socket.SocketError).code;
        }
        return s.getsockopt(level, number);
      });
    }
    say(found);
    await s.close();
  },
  /** An echo for one connection, on a port of IPv6 alone. */
  async alone() {
    const server = await socket.create_server(["", 0], { family: AF_INET6 });
    say(server.getsockname()[1]);
    const [s] = await server.accept();
    await server.close();
    for (let data; (data = await s.recv(100)).length > 0;) await s.sendall(data);
    await s.close();
  },
  /** Two servers on one port, of which each sends its number. */
  async shared() {
    const one = await socket.create_server([host, 0], { reuse_port: true, backlog: 5 });
    const two = await socket.create_server(one.getsockname(), { reuse_port: true });
    say(one.getsockname()[1]);
    const servers = [one, two];
    const stop = new AbortController();
    const served = servers.map((server, i) =>
      socket.serve(server, async (s) => {
        s.setsockopt(IPPROTO_TCP, socket.TCP_KEEPIDLE, 100 + i);
        await s.sendall(String(s.getsockopt(IPPROTO_TCP, socket.TCP_KEEPIDLE)));
      }, { signal: stop.signal })
    );
    process.stdin.once("data", () => stop.abort());
    await Promise.all(served);
    for (const server of servers) await server.close();
    process.stdin.pause();
  },
  /** What the message of ENOPROTOOPT says, or nothing. */
  refused() {
    const s = socket.socket();
    try {
      s.setsockopt(IPPROTO_TCP, socket.TCP_KEEPIDLE, 100);
      say("");
    } catch (error) {
      say((error as Error).message);
    }
    return Promise.resolve();
  },
  /** What the adapter can do. */
  capabilities() {
    say(socket.capabilities());
    return Promise.resolve();
  },
};

await ways[how ?? ""]?.();
