/**
 * Every name function at work, as a small table: give it host names, addresses, services, ports.
 *
 * It shows `getaddrinfo`, `gethostbyname_ex` and `getfqdn` for a name, `gethostbyaddr` and
 * `getnameinfo` for an address, `getservbyname` and `getservbyport` for a service, `getprotobyname`
 * for a protocol, and that a look-up fails as `gaierror` or `herror`.
 *
 *     node examples/lookup.ts localhost 127.0.0.1 ::1 http 53 tcp
 *     deno run --allow-net examples/lookup.ts localhost 127.0.0.1 ::1 http 53 tcp
 *     bun examples/lookup.ts localhost 127.0.0.1 ::1 http 53 tcp
 *
 * The exit code is 1 when one of them was not found.
 */

import { parseArgs } from "node:util";
import * as socket from "../mod.ts";
import { Failure, main } from "./support/main.ts";

type Row = [what: string, answer: string];

await main("lookup.ts NAME|ADDRESS|SERVICE|PORT...", async (_signal, usage) => {
  const { positionals: names } = parseArgs({ allowPositionals: true });
  if (names.length === 0) throw usage();
  const missing: string[] = [];
  for (const name of names) {
    const rows = isAddress(name)
      ? await address(name)
      : /^\d+$/.test(name)
      ? services(Number(name))
      : [...protocol(name), ...service(name), ...await host(name)];
    if (rows.length === 0) missing.push(name);
    console.log(name);
    for (const [what, answer] of rows) console.log(`  ${what.padEnd(18)} ${answer}`);
  }
  if (missing.length > 0) throw new Failure(`not found: ${missing.join(", ")}`);
});

function isAddress(text: string): boolean {
  return [socket.AF_INET, socket.AF_INET6].some((family) => {
    try {
      socket.inet_pton(family, text);
      return true;
    } catch {
      return false;
    }
  });
}

async function address(text: string): Promise<Row[]> {
  const rows: Row[] = [];
  try {
    const [name, aliases, addresses] = await socket.gethostbyaddr(text);
    rows.push(["gethostbyaddr", [name, ...aliases, ...addresses].join(" ")]);
  } catch (error) {
    // Most addresses have no name: that is an answer, too.
    if (!(error instanceof socket.error)) throw error;
    rows.push(["gethostbyaddr", error.message]);
  }
  const [host, service] = await socket.getnameinfo([text, 80], socket.NI_NUMERICHOST);
  rows.push(["getnameinfo", `${host} ${service}`]);
  return rows;
}

async function host(name: string): Promise<Row[]> {
  const rows: Row[] = [];
  try {
    // One row for each family and address; the type is given, or each would come three times.
    const infos = await socket.getaddrinfo(name, null, 0, socket.SOCK_STREAM);
    for (const [family, , , , [address]] of infos) {
      rows.push([`getaddrinfo`, `${family === socket.AF_INET6 ? "IPv6" : "IPv4"} ${address}`]);
    }
    if (infos.some(([family]) => family === socket.AF_INET)) {
      const [canonical, aliases, addresses] = await socket.gethostbyname_ex(name);
      rows.push(["gethostbyname_ex", [canonical, ...aliases, ...addresses].join(" ")]);
    }
    rows.push(["getfqdn", await socket.getfqdn(name)]);
  } catch (error) {
    if (!(error instanceof socket.gaierror)) throw error;
    // A service or a protocol need not be a host.
  }
  return rows;
}

function service(name: string): Row[] {
  return ["tcp", "udp"].flatMap((protocol): Row[] => {
    const port = found(() => socket.getservbyname(name, protocol));
    return port === undefined ? [] : [["getservbyname", `${port}/${protocol}`]];
  });
}

function services(port: number): Row[] {
  return ["tcp", "udp"].flatMap((protocol): Row[] => {
    const name = found(() => socket.getservbyport(port, protocol));
    return name === undefined ? [] : [["getservbyport", `${name}/${protocol}`]];
  });
}

function protocol(name: string): Row[] {
  const number = found(() => socket.getprotobyname(name));
  return number === undefined ? [] : [["getprotobyname", String(number)]];
}

/** What a look-up gives, or undefined where it raises `error`. */
function found<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof socket.error) return undefined;
    throw error;
  }
}
