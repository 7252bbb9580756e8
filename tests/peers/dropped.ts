/** Drops the promise of every call that can fail, each in several ways, and tells what nobody has handled. */

import process from "node:process";
import {
  AF_INET,
  AF_UNIX,
  create_connection,
  create_server,
  getaddrinfo,
  getfqdn,
  gethostbyaddr,
  gethostbyname,
  gethostbyname_ex,
  getnameinfo,
  type InetAddress,
  serve,
  SHUT_RDWR,
  SOCK_DGRAM,
  type Socket,
  socket,
  socketpair,
} from "../../mod.ts";

const unhandled: string[] = [];
let current = "";
process.on("unhandledRejection", (reason) => void unhandled.push(`${current}: ${reason}`));
process.on("uncaughtException", (error) => void unhandled.push(`${current}: ${error.stack}`));

const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
const flood = new Uint8Array(32 << 20);
const nobody: [string, number] = await (async () => {
  const s = socket();
  await s.bind(["127.0.0.1", 0]);
  const [host, port] = s.getsockname();
  await s.close();
  return [host, port];
})();
const elsewhere: [string, number] = ["203.0.113.1", 0];
const unknown: [string, number] = ["bsdsock-test..invalid", 9];

type Inet = Socket<InetAddress>;

/** Every receive. */
const receives = (s: Inet, options = {}): unknown[] => [
  s.recv(1, 0, options),
  s.recv_into(new Uint8Array(1), 0, 0, options),
  s.recvfrom(1, 0, options),
  s.recvfrom_into(new Uint8Array(1), 1, 0, options),
  s.recvmsg(1, 0, 0, options),
  s.recvmsg_into([new Uint8Array(1)], 0, 0, options),
];

/** Every send. */
const sends = (s: Inet, options = {}): unknown[] => [
  s.sendall(flood, 0, options),
  s.send("x", 0, options),
  s.sendto("x", nobody, options),
  s.sendmsg(["x"], [], 0, null, options),
  s.sendfile(new Blob(["x"]), 0, undefined, options),
];

/** Every call of a file. */
const ofFile = (s: Inet): unknown[] => {
  const file = s.makefile("rw");
  const calls = [
    file.readline(),
    file.read(1),
    file.readlines(),
    file.write("x"),
    file.writelines(["x"]),
    file.flush(),
    file.close(),
    file.read(),
    file.write("x"),
    file.flush(),
  ];
  const bytes = s.makefile("rb");
  return [...calls, bytes.readinto(new Uint8Array(1)), bytes.close()];
};

/** Runs with two ends of a connection, then closes them. */
async function connected(body: (here: Inet, there: Inet) => Promise<unknown>): Promise<void> {
  const server = await create_server(["127.0.0.1", 0]);
  const here = await create_connection(server.getsockname());
  const [there] = await server.accept();
  await server.close();
  await body(here, there);
  await here.close();
  await there.close();
}

const opened: Socket<never>[] = [];
function open(family: number, type?: number): Inet {
  const s = socket(family, type) as Inet;
  opened.push(s as Socket<never>);
  return s;
}

/** Each drops what its calls give. */
const ways: Record<string, () => unknown> = {
  "unconnected": () => [
    ...receives(open(AF_INET)),
    ...sends(open(AF_INET)),
    open(AF_INET).shutdown(SHUT_RDWR),
    open(AF_INET).accept(),
    serve(open(AF_INET), () => {}),
  ],
  "refused": () => [open(AF_INET).connect(nobody), create_connection(nobody)],
  "refused without waiting": async () => {
    const s = open(AF_INET);
    s.setblocking(false);
    const dropped = [s.connect(nobody), ...receives(s), ...sends(s)];
    await sleep(30);
    return dropped;
  },
  "in use": async () => {
    const server = await create_server(["127.0.0.1", 0]);
    const address = server.getsockname();
    void [open(AF_INET).bind(address), create_server(address), server.bind(address)];
    await sleep(20);
    void server.accept();
    void server[Symbol.asyncIterator]().next();
    await server.close();
    void [server.listen(), server.accept(), server.bind(address), server.connect(address)];
  },
  "not of this machine": () => [open(AF_INET).bind(elsewhere), create_server(elsewhere)],
  "unknown names": () => [
    open(AF_INET).connect(unknown),
    open(AF_INET).connect_ex(unknown),
    open(AF_INET).bind(unknown),
    open(AF_INET, SOCK_DGRAM).sendto("x", unknown),
    open(AF_INET, SOCK_DGRAM).connect(unknown),
    create_connection(unknown),
    getaddrinfo(...unknown),
    getnameinfo(unknown, 0),
    gethostbyname(unknown[0]),
    gethostbyname_ex(unknown[0]),
    gethostbyaddr(unknown[0]),
    getfqdn(unknown[0]),
  ],
  "wrong arguments": () => {
    const s = open(AF_INET) as unknown as Record<string, (wrong: unknown) => unknown>;
    const waiting = ["bind", "listen", "accept", "connect", "connect_ex", "recv", "recv_into"];
    const others = ["recvfrom", "recvfrom_into", "recvmsg", "recvmsg_into", "send", "sendall"];
    const rest = ["sendto", "sendmsg", "sendfile", "shutdown"];
    return [...waiting, ...others, ...rest].map((name) => s[name]!(Symbol("wrong")));
  },
  "closed by the program": () =>
    connected(async (here) => void [...receives(here), ...sends(here), await sleep(20)]),
  "closed before": () =>
    connected(async (here) => {
      await here.close();
      void [...receives(here), ...sends(here), here.shutdown(SHUT_RDWR)];
    }),
  "timed out": () =>
    connected(async (here) => {
      here.settimeout(0.01);
      void [...receives(here), ...sends(here)];
      await sleep(100);
    }),
  "would block": () =>
    connected(async (here) => {
      here.setblocking(false);
      void receives(here);
      await sleep(20);
    }),
  "aborted": () =>
    connected(async (here) => {
      const controller = new AbortController();
      void [...receives(here, controller), ...sends(here, controller)];
      await sleep(20);
      controller.abort();
      void [...receives(here, controller), ...sends(here, controller)];
      await sleep(20);
    }),
  "the peer has gone": () =>
    connected(async (here, there) => {
      void [...receives(here), ...sends(here)];
      await sleep(20);
      await there.close();
      await sleep(20);
      void [...receives(here), ...sends(here), here.shutdown(SHUT_RDWR)];
      await sleep(20);
    }),
  "files": () => connected(async (here) => void [...ofFile(here), await sleep(20)]),
  "files, whose peer has gone": () =>
    connected(async (here, there) => {
      const file = here.makefile("w");
      void file.write("x".repeat(flood.length));
      await sleep(20);
      await there.close();
      await sleep(20);
      void [file.flush(), file.close(), ...ofFile(here)];
      await sleep(20);
    }),
  "datagrams": async () => {
    const s = open(AF_INET, SOCK_DGRAM);
    void [s.send("x"), s.sendall("x"), s.listen(), s.accept(), s.shutdown(SHUT_RDWR)];
    void [s.sendto(flood, nobody), s.sendto("x", ["255.255.255.255", 9]), s.bind(elsewhere)];
    await sleep(20);
    const bound = open(AF_INET, SOCK_DGRAM);
    await bound.bind(["127.0.0.1", 0]);
    void [...receives(bound), bound.bind(["127.0.0.1", 0])];
    await bound.connect(nobody);
    void bound.send("x");
    await sleep(20);
    await bound.close();
    void [...receives(bound), bound.send("x"), bound.sendto("x", nobody)];
  },
  "no such path or type":
    () => [open(AF_UNIX).connect("/no/such/path" as never), socketpair(AF_INET, 99)],
};

for (const [name, drop] of Object.entries(ways)) {
  current = name;
  await drop();

  await sleep(50);
}
// A look-up that is awaited leaves nothing either.
current = "sendto, awaited";
await open(AF_INET, SOCK_DGRAM).sendto("x", unknown).catch(() => {});
await sleep(200);
for (const s of opened) void s.close();
await sleep(100);
console.log(JSON.stringify({ ways: Object.keys(ways).length, unhandled }));
