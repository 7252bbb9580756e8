/** `node:dgram` on any runtime; on Node it is the raw API. */

import { createSocket } from "node:dgram";
import { announce } from "./announce.mjs";

const socket = createSocket("udp4");
socket.on("message", (data, from) => socket.send(data, from.port, from.address));
socket.bind(0, "127.0.0.1", () => announce(socket.address().port));
