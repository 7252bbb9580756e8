/** TLS of `node:tls` over the streams of a socket, with Python's `ssl` on the other side. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { describe, it } from "node:test";
import { connect, TLSSocket } from "node:tls";
import type { InetAddress, Socket } from "../../mod.ts";
import { pattern, sha256, text } from "../support/bytes.ts";
import { folder, missing } from "../support/examples.ts";
import { checkNothingLeft, noDescriptors } from "../support/outside.ts";
import { noPeer, pythonPeer } from "../support/peers.ts";
import { bounded, type Scope } from "../support/scope.ts";
import { native } from "../support/tcp.ts";

const setting = native[0];
const skip = setting.skip || noPeer || missing("openssl");
const LENGTH = 3_000_000;

interface Certificate {
  key: string;
  cert: string;
}

/** The files of a key and of a certificate of `localhost`, signed with it. */
function certificate(scope: Scope): Certificate {
  const place = folder(scope);
  const [key, cert] = [join(place, "key.pem"), join(place, "cert.pem")];
  const made = spawnSync("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
    ...["-keyout", key, "-out", cert],
  ], { encoding: "utf8" });
  assert.equal(made.status, 0, made.stderr);
  return { key, cert };
}

/** The socket as node:tls takes it. The types of the streams are those of the browser, which `node:stream` does not know. */
function duplex({ readable, writable }: Socket<InetAddress>): Duplex {
  return Duplex.fromWeb({ readable, writable } as never, { allowHalfOpen: true });
}

/** Sends a lot, receives as much, and gives what came. */
async function exchange(secure: TLSSocket): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  let count = 0;
  secure.write(pattern(LENGTH));
  await new Promise<void>((resolve, reject) => {
    secure.on("error", reject);
    secure.on("close", () => reject(new Error(`closed after ${count} bytes`)));
    secure.on("data", (chunk: Uint8Array) => {
      chunks.push(chunk);
      count += chunk.length;
      if (count >= LENGTH) resolve();
    });
  });
  return chunks;
}

/** What Python does over TLS, `t`. */
const theirs = `
data, sha = pattern(${LENGTH}), hashlib.sha256()
def send():
    t.sendall(data)
sender = threading.Thread(target=send)
sender.start()
left = ${LENGTH}
while left:
    piece = t.recv(min(left, 65536))
    left -= len(piece)
    sha.update(piece)
sender.join()
say(t.version(), sha.hexdigest())
command()
`;

describe("TLS by node:tls over a socket's streams", () => {
  for (const role of ["connected", "accepted"] as const) {
    it(
      `a client that was ${role} begins in the middle of a conversation, as STARTTLS`,
      { skip },
      bounded(async (scope) => {
        const { key, cert } = certificate(scope);
        const [s, peer] = await pythonPeer(
          scope,
          setting,
          role,
          `
import ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(${JSON.stringify(cert)}, ${JSON.stringify(key)})
assert s.recv(100) == b"STARTTLS\\r\\n"
s.sendall(b"220 go ahead\\r\\n")
t = context.wrap_socket(s, server_side=True)
${theirs}`,
        );
        await s.sendall("STARTTLS\r\n");
        assert.equal(text(await s.recv(100)), "220 go ahead\r\n");
        const ca = readFileSync(cert);
        const secure = connect({ socket: duplex(s), ca, servername: "localhost" });
        const received = await exchange(secure);
        assert.ok(secure.authorized);
        assert.equal(sha256(...received), sha256(pattern(LENGTH)));
        assert.deepEqual(await peer.json(), ["TLSv1.3", sha256(pattern(LENGTH))]);
        secure.destroy();
        peer.write("\n");
      }),
    );

    it(
      `a server that was ${role} is trusted by Python`,
      { skip },
      bounded(async (scope) => {
        const { key, cert } = certificate(scope);
        const [s, peer] = await pythonPeer(
          scope,
          setting,
          role,
          `
import ssl
context = ssl.create_default_context(cafile=${JSON.stringify(cert)})
t = context.wrap_socket(s, server_hostname="localhost")
${theirs}`,
        );
        const secure = new TLSSocket(duplex(s), {
          isServer: true,
          key: readFileSync(key),
          cert: readFileSync(cert),
        });
        const received = await exchange(secure);
        assert.equal(sha256(...received), sha256(pattern(LENGTH)));
        assert.deepEqual(await peer.json(), ["TLSv1.3", sha256(pattern(LENGTH))]);
        secure.destroy();
        peer.write("\n");
      }),
    );
  }
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
