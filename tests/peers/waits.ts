/**
 * A program that does nothing but wait, in the way of its first argument, for its peer, a listener on the port of its
 * second. It must live until what it waits for has come.
 */

import * as socket from "../../mod.ts";

const { AF_INET, SOCK_DGRAM } = socket;
const host = "127.0.0.1";
const [how = "", port = ""] =
  (globalThis as { process?: { argv: string[] } }).process?.argv.slice(2) ?? [];
const connected = () => socket.create_connection([host, Number(port)]);
const say = (s: socket.Socket<socket.InetAddress>) => console.log(s.getsockname()[1]);

const ways: Record<string, () => Promise<unknown>> = {
  async accept() {
    const server = await socket.create_server([host, 0]);
    say(server);
    await server.accept();
  },
  async recv() {
    const s = await connected();
    say(s);
    await s.recv(9);
  },
  async recv_into() {
    const s = await connected();
    say(s);
    await s.recv_into(new Uint8Array(9));
  },
  async recvfrom() {
    const s = socket.socket(AF_INET, SOCK_DGRAM);
    await s.bind([host, 0]);
    say(s);
    await s.recvfrom(9);
  },
  async sendall() {
    const s = await connected();
    say(s);
    await s.sendall(new Uint8Array(8 << 20));
  },
  async "sendall of a bound socket"() {
    const s = socket.socket(AF_INET);
    await s.bind([host, 0]);
    await s.connect([host, Number(port)]);
    say(s);
    await s.sendall(new Uint8Array(8 << 20));
  },
  async "shutdown of a bound socket"() {
    const s = socket.socket(AF_INET);
    await s.bind([host, 0]);
    await s.connect([host, Number(port)]);
    say(s);
    await s.shutdown(socket.SHUT_WR);
    await s.recv(9);
  },
  async "recv after an aborted send"() {
    const s = await connected();
    say(s);
    const controller = new AbortController();
    const first = s.sendall(new Uint8Array(8 << 20));
    const second = s.sendall("x", 0, controller).catch(() => {});
    await first;
    controller.abort();
    await second;
    await s.recv(9);
  },
  async readline() {
    const file = (await connected()).makefile("r");
    console.log(0);
    await file.readline();
  },
  async readable() {
    const reader = (await connected()).readable.getReader();
    console.log(0);
    await reader.read();
  },
};

const way = ways[how];
if (way === undefined) throw new Error(`no way "${how}"`);
// Not awaited: that alone would keep Bun alive.
way().then(() => console.log("done"));
