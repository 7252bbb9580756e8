/** Makes calls that `node --permission` may refuse, and prints the messages of their errors, as JSON. */

import * as S from "../../mod.ts";

const [, , path = ""] = (globalThis as unknown as { process: { argv: string[] } }).process.argv;

/** How a call ends: with "", or the message of its error. */
async function outcome(call: () => unknown): Promise<string> {
  try {
    await call();
    return "";
  } catch (error) {
    return String(error);
  }
}

/** The same, of a call of a new socket. */
function of<A extends S.Address>(
  s: S.Socket<A>,
  call: (s: S.Socket<A>) => unknown,
): Promise<string> {
  return outcome(() => call(s)).finally(() => s.close());
}

const peer: S.InetAddress = ["127.0.0.1", 9];
console.log(JSON.stringify({
  bind: await of(S.socket(), (s) => s.bind(["127.0.0.1", 0])),
  connect: await of(S.socket(), (s) => s.connect(peer)),
  sendto: await of(S.socket(S.AF_INET, S.SOCK_DGRAM), (s) => s.sendto("x", peer)),
  getaddrinfo: await outcome(() => S.getaddrinfo("localhost", 80)),
  gethostbyaddr: await outcome(() => S.gethostbyaddr("127.0.0.1")),
  unix: await of(S.socket(S.AF_UNIX), (s) => s.bind(path)),
  missing: await of(S.socket(S.AF_UNIX), (s) => s.bind(`${path}.missing/s`)),
  setsockopt: await of(
    S.socket(),
    (s) => s.setsockopt(S.IPPROTO_TCP, S.TCP_KEEPIDLE, 60),
  ),
  dup: await of(S.socket(), async (s) => {
    await s.bind(["127.0.0.1", 0]);
    await s.dup().close();
  }),
}));
