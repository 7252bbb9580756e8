// http_get.ts against nginx, and against servers in Python that break off.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import { createReadStream, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { folder, freePort, listening, missing, other, run } from "../support/examples.ts";
import { checkNothingLeft, noDescriptors } from "../support/outside.ts";
import { noPeer } from "../support/peers.ts";
import { type Exit, python } from "../support/process.ts";
import { bounded, type Scope } from "../support/scope.ts";

const noNginx = missing("nginx");

/** nginx with a folder of files; `/chunked/` gives the same ones without their length. */
async function nginx(scope: Scope): Promise<[port: number, root: string]> {
  const [port, home] = [await freePort(), folder(scope)];
  const root = join(home, "www");
  mkdirSync(root);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${home}/${name};`).join("\n");
  writeFileSync(
    join(home, "nginx.conf"),
    `daemon off;
    master_process off;
    pid ${home}/pid;
    error_log stderr;
    events {}
    http {
      ${temporary}
      access_log off;
      default_type application/octet-stream;
      server {
        listen 127.0.0.1:${port};
        root ${root};
        location /old { return 301 /file; }
        location /chunked/ { alias ${root}/; ssi on; ssi_types *; }
      }
    }`,
  );
  const program = other(scope, ["nginx", "-p", home, "-e", "stderr", "-c", `${home}/nginx.conf`]);
  await listening(port, program);
  return [port, root];
}

/** What `http_get.ts URL -o FILE` does, and where. */
async function fetchTo(scope: Scope, url: string): Promise<[Exit, string]> {
  const output = join(folder(scope), "file");
  const permissions = ["--allow-net=127.0.0.1", `--allow-write=${output}`];
  return [
    await run(scope, "http_get", [url, "-o", output], permissions).exit(60_000),
    output,
  ];
}

async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest("hex");
}

describe("http_get.ts and nginx", () => {
  const skip = noNginx;

  it(
    "gets 200 MiB, by length and in chunks",
    { skip },
    bounded(async (scope) => {
      const [port, root] = await nginx(scope);
      const file = join(root, "file");
      writeFileSync(file, Buffer.concat(Array(200).fill(randomBytes(2 ** 20))));
      const expected = await sha256(file);
      for (const path of ["file", "chunked/file"]) {
        const [{ code, stderr }, got] = await fetchTo(scope, `http://127.0.0.1:${port}/${path}`);
        assert.equal(code, 0, stderr);
        assert.equal(await sha256(got), expected, path);
        assert.match(stderr, /200\.0 MiB$/m);
        // Not a terminal: lines, without anything that only a terminal understands.
        assert.ok(!stderr.includes("\r"));
        if (path === "file") assert.match(stderr, /^100% {2}200\.0 MiB of 200\.0 MiB$/m);
      }
    }, 120_000),
  );

  it(
    "writes to standard output, an empty file too",
    { skip },
    bounded(async (scope) => {
      const [port, root] = await nginx(scope);
      writeFileSync(join(root, "hello"), "Hello, web\n");
      writeFileSync(join(root, "empty"), "");
      for (const [name, text] of [["hello", "Hello, web\n"], ["empty", ""]] as const) {
        const url = `http://127.0.0.1:${port}/${name}`;
        const { code, stdout } = await run(scope, "http_get", [url], ["--allow-net=127.0.0.1"])
          .exit();
        assert.deepEqual([code, stdout], [0, text]);
      }
    }),
  );

  it(
    "tells what is not there and where it has gone",
    { skip },
    bounded(async (scope) => {
      const [port] = await nginx(scope);
      const get = (path: string): Promise<Exit> =>
        run(scope, "http_get", [`http://127.0.0.1:${port}/${path}`]).exit();
      const missing = await get("nothing");
      assert.deepEqual([missing.code, missing.stderr], [1, "http_get: 404 Not Found\n"]);
      const moved = await get("old");
      assert.equal(moved.code, 1);
      assert.match(moved.stderr, /^http_get: 301 Moved Permanently: http:\S+\/file\n$/);
    }),
  );
});

describe("http_get.ts and servers that break off", () => {
  const cut = (answer: string, line: RegExp) =>
    bounded(async (scope) => {
      const peer = scope.add(python(
        `
        import json, socket, sys
        listener = socket.create_server(("127.0.0.1", 0))
        print(listener.getsockname()[1])
        conn, _ = listener.accept()
        while b"\\r\\n\\r\\n" not in conn.recv(65536):
            pass
        conn.sendall(json.loads(sys.argv[1]).encode())
        conn.close()`,
        [JSON.stringify(answer)],
      ));
      const port = await peer.json<number>();
      const [done, output] = await fetchTo(scope, `http://127.0.0.1:${port}/`);
      assert.equal(done.code, 1, done.stderr);
      assert.match(done.stderr.trim().split("\n").at(-1)!, line);
      if (answer.includes("12345")) assert.equal(readFileSync(output, "latin1"), "12345");
    });

  it(
    "before the head's end",
    { skip: noPeer },
    cut("HTTP/1.1 200 OK\r\nContent-Le", /^http_get: the server hung up in the middle$/),
  );
  it(
    "in a body of known length",
    { skip: noPeer },
    cut(
      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
      /^http_get: the server hung up with 5 bytes to come$/,
    ),
  );
  it(
    "in a chunk",
    { skip: noPeer },
    cut(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n12345",
      /^http_get: the server hung up with 5 bytes to come$/,
    ),
  );
  it(
    "between chunks",
    { skip: noPeer },
    cut(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
      /^http_get: the server hung up in the middle$/,
    ),
  );
  it(
    "and is no HTTP server",
    { skip: noPeer },
    cut("SSH-2.0-OpenSSH\r\n", /^http_get: that is no HTTP server$/),
  );
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
