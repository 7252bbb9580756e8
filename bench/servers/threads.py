"""Python's blocking sockets, a thread for each connection: what the books teach."""

import json
import os
import socket
import threading


def echo(conn):
    with conn:
        while data := conn.recv(65536):
            conn.sendall(data)


server = socket.create_server(("127.0.0.1", 0), backlog=1024)
print(json.dumps({"port": server.getsockname()[1], "pid": os.getpid()}), flush=True)
while True:
    conn, _ = server.accept()
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    threading.Thread(target=echo, args=(conn,), daemon=True).start()
