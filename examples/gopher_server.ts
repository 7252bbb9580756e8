/**
 * A gopher server: serves a folder's menus, texts and binary files (RFC 1436).
 *
 * It shows `create_server` and `serve` (a limit of clients, an `AbortSignal` for Ctrl-C), a request
 * that is read up to its line end however it is cut into pieces, `sendfile`, and that a name from
 * the network is never a path until it was checked: no selector leads out of the folder, by `..` or
 * by a link.
 *
 *     node examples/gopher_server.ts docs 7070
 *     deno run --allow-net=127.0.0.1:7070 --allow-read=docs examples/gopher_server.ts docs 7070
 *     bun examples/gopher_server.ts docs 7070
 *
 * Look at it with `gopher.ts 127.0.0.1 --port 7070`, `curl gopher://127.0.0.1:7070/` or `lynx`.
 */

import { createReadStream } from "node:fs";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { parseArgs } from "node:util";
import * as socket from "../mod.ts";
import { port as portOf } from "./support/arguments.ts";
import { Failure, main, reporter } from "./support/main.ts";

type Connection = socket.Socket<socket.InetAddress>;

const texts = new Set(["", ".txt", ".md", ".ts", ".json", ".csv", ".yml"]);
const images = new Set([".jpg", ".jpeg", ".png", ".webp"]);

await main("gopher_server.ts FOLDER [PORT] [HOST]", async (signal, usage) => {
  const { positionals } = parseArgs({ allowPositionals: true });
  const [folder, port = "7070", host = "127.0.0.1", ...more] = positionals;
  if (folder === undefined || more.length > 0) throw usage();
  const root = await realpath(folder);
  if (!(await stat(root)).isDirectory()) throw new Failure(`not a folder: ${folder}`, 2);
  const server = await socket.create_server([host, portOf(port, 0)]);
  try {
    console.log(`serving ${folder} on ${server.getsockname().join(" port ")}`);
    await socket.serve(server, (conn) => answer(conn, root, signal), {
      signal,
      max_connections: 100,
      onerror: reporter(signal),
    });
  } finally {
    await server.close();
  }
});

async function answer(conn: Connection, root: string, signal: AbortSignal): Promise<void> {
  conn.settimeout(30);
  const selector = await request(conn, signal);
  const path = await resolve(root, selector);
  if (path === undefined) {
    await conn.sendall(`3'${selector}' does not exist\t\terror.host\t1\r\n.\r\n`);
  } else if ((await stat(path)).isDirectory()) {
    await conn.sendall(await menu(conn, path, selector));
  } else if (typeOf(path) === "0") {
    const text = await readFile(path, "utf8");
    // A line of one dot ends a text: one that is in the text gets a second one.
    const lines = text.replace(/\r?\n$/, "").split(/\r?\n/);
    const body = lines.map((line) => `${line.startsWith(".") ? "." : ""}${line}\r\n`).join("");
    await conn.sendall(`${body}.\r\n`, 0, { signal });
  } else {
    await conn.sendfile(createReadStream(path), 0, undefined, { signal });
  }
}

/** The line that a client sends. It may come in any number of pieces. */
async function request(conn: Connection, signal: AbortSignal): Promise<string> {
  const decoder = new TextDecoder();
  let line = "";
  while (!line.includes("\n")) {
    const data = await conn.recv(1024, 0, { signal });
    if (data.length === 0) break;
    line += decoder.decode(data, { stream: true });
    if (line.length > 1024) throw new Error("a selector without end");
  }
  // Search words may follow a tab; there is nothing to search here.
  return line.split(/[\t\r\n]/, 1)[0] ?? "";
}

/** The file that a selector means, or undefined: no such file, or outside the folder. */
async function resolve(root: string, selector: string): Promise<string | undefined> {
  try {
    const path = await realpath(join(root, selector));
    return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep)
      ? path
      : undefined;
  } catch {
    return undefined;
  }
}

async function menu(conn: Connection, path: string, selector: string): Promise<string> {
  // The address that this client reached us at is one that it can reach.
  const [host, port] = conn.getsockname();
  const base = selector.replace(/^\/*|\/+$/g, "");
  const entries = await readdir(path, { withFileTypes: true });
  const items = entries
    // Neither hidden files nor links, which may lead out of the folder.
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .filter(({ name }) => !name.startsWith(".") && !/[\t\r\n]/.test(name))
    .sort((a, b) => a.name < b.name ? -1 : 1)
    .map((entry) => {
      const type = entry.isDirectory() ? "1" : typeOf(entry.name);
      const to = `/${base === "" ? "" : `${base}/`}${entry.name}`;
      return `${type}${entry.name}\t${to}\t${host}\t${port}\r\n`;
    });
  return `${items.join("")}.\r\n`;
}

/** 0 is a text, g a GIF, I another image, 9 any other bytes. */
function typeOf(path: string): string {
  const ending = extname(path).toLowerCase();
  if (texts.has(ending)) return "0";
  return ending === ".gif" ? "g" : images.has(ending) ? "I" : "9";
}
