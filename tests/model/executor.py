"""Runs programs of the model-based test with Python's socket.

Each line of standard input is a program: {"id", "host", "dir", "steps", "settled"}; "settled" tells after each step what
each open socket must have to receive, so that the step's effects have arrived before the next call. Each line of
output is {"id", "results", "collided"}.
"""

import errno
import fcntl
import json
import os
import select
import socket
import struct
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

KINDS = {
    "tcp": (socket.AF_INET, socket.SOCK_STREAM),
    "unix": (socket.AF_UNIX, socket.SOCK_STREAM),
    "udp": (socket.AF_INET, socket.SOCK_DGRAM),
}
FIONREAD = 0x541B


def shown(data):
    text = data.decode("latin1")
    if len(text) > 80:
        return f"'{text[:10]}…{text[-10:]}' ({len(text)})"
    return f"'{text}'"


class Run:
    def __init__(self, program):
        self.host = program["host"]
        self.dir = program["dir"]
        self.socks = {}
        self.closed = set()
        self.names = {}
        self.wild = {}
        self.paths = {}
        self.calls = {}
        self.last = {}
        steps = program["steps"]
        self.namesakes = {step["as"] for step in steps if step["op"] in ("accept", "dup")}
        self.slots = {s["waits"]: s["s"] for s in steps if "waits" in s and s["op"] != "join"}
        self.collided = False

    def run(self, steps, settled):
        results = []
        for step, state in zip(steps, settled):
            results.append(self.result(step))
            self.learn()
            self.settle(state)
        return results

    def result(self, step):
        try:
            return self.call(step)
        except socket.timeout as e:
            return "!timeout" if e.errno is None else "!ETIMEDOUT"
        except OSError as e:
            return "!" + ("EOPNOTSUPP" if e.errno == errno.EOPNOTSUPP else errno.errorcode.get(e.errno, str(e)))
        except Exception as e:
            return f"!{type(e).__name__} {e}"

    def call(self, step):
        op = step["op"]
        if op == "socket":
            self.socks[step["as"]] = socket.socket(*KINDS[step["kind"]])
            return "ok"
        if op == "join":
            thread, box = self.calls.pop(step["waits"])
            thread.join(5)
            return box[0] if box else "still waits"
        s = self.socks[step["s"]]
        if "waits" in step:
            return self.start(s, step)
        if step.get("ends") == "abort":
            # Python cannot abort a call: nothing happens here.
            return "!aborted"
        if step.get("ends") == "timeout":
            before = s.gettimeout()
            s.settimeout(0.01)
            try:
                return self.make(s, step)
            finally:
                s.settimeout(before)
        return self.make(s, step)

    def start(self, s, step):
        box = []
        number = step["s"]
        plain = {k: v for k, v in step.items() if k != "waits"}

        def run():
            poll = select.poll()
            poll.register(s, select.POLLIN)
            while not poll.poll(4):
                if number in self.closed:
                    box.append("!EBADF")
                    return
            box.append(self.result(plain))

        thread = threading.Thread(target=run, daemon=True)
        self.calls[step["waits"]] = (thread, box)
        thread.start()
        thread.join(0.003)
        return box[0] if box else "waits"

    def make(self, s, step):
        op = step["op"]
        flags = 0
        for name in step.get("flags", []):
            flags |= getattr(socket, name)
        if op in ("bind", "connect", "connect_ex"):
            address = self.address(step)
            if op == "bind":
                s.bind(address)
                if isinstance(address, str):
                    self.paths[address] = step["s"]
                return "ok"
            result = getattr(s, op)(address)
            return "ok" if op == "connect" else str(result)
        if op == "listen":
            s.listen(step["value"])
            return "ok"
        if op == "accept":
            conn, address = s.accept()
            self.socks[step["as"]] = conn
            self.learn()
            return self.name(address)
        if op == "dup":
            self.socks[step["as"]] = s.dup()
            return "ok"
        if op == "send":
            return str(s.send(step["data"].encode(), flags))
        if op == "sendall":
            s.sendall(step["data"].encode(), flags)
            return "ok"
        if op == "sendto":
            return str(s.sendto(step["data"].encode(), self.address(step)))
        if op == "recv":
            return shown(s.recv(step["n"], flags))
        if op == "recv_into":
            return str(s.recv_into(bytearray(step["n"]), step["n"], flags))
        if op == "recvfrom":
            data, address = s.recvfrom(step["n"], flags)
            return f"{shown(data)} {'None' if address is None else self.name(address)}"
        if op == "transfer":
            return self.transfer(s, self.socks[step["to"]], step["n"])
        if op == "shutdown":
            s.shutdown(getattr(socket, step["how"]))
            return "ok"
        if op == "close":
            return self.close(s, step["s"])
        if op == "settimeout":
            s.settimeout(step["value"])
            return "ok"
        if op in ("getsockname", "getpeername"):
            return self.name(getattr(s, op)())
        option = getattr(socket, step["option"])
        level = socket.IPPROTO_TCP if step["option"].startswith("TCP_") else socket.SOL_SOCKET
        if op == "getsockopt":
            return str(s.getsockopt(level, option))
        value = step["value"]
        if isinstance(value, list):
            value = struct.pack("ii", *value)
        s.setsockopt(level, option, value)
        return "ok"

    def transfer(self, s, to, count):
        """All that is unread, and so many bytes more."""
        unread = self.unread(to)
        thread = threading.Thread(target=lambda: s.sendall(b"x" * count), daemon=True)
        thread.start()
        data = to.recv(unread + count, socket.MSG_WAITALL)
        thread.join(5)
        return str(len(data))

    def close(self, s, number):
        # A thread that waits in the kernel is not woken by close(2): it looks for this every few milliseconds.
        self.closed.add(number)
        for call, slot in self.slots.items():
            if slot == number and call in self.calls:
                self.calls[call][0].join(1)
        s.close()
        return "ok"

    def address(self, step):
        to, s = step["to"], self.socks[step["s"]]
        unix = s.family == socket.AF_UNIX
        if to == "free":
            return f"{self.dir}/p{step['s']}" if unix else (self.host, 0)
        if to == "foreign":
            return ("192.0.2.1", 0)
        if to == "missing":
            return f"{self.dir}/missing"
        other = self.socks[to]
        return self.last[to] if to in self.closed else other.getsockname()

    def learn(self):
        """Remembers whose each address is."""
        for number, s in list(self.socks.items()):
            if number in self.closed:
                continue
            try:
                address = s.getsockname()
            except OSError:
                continue
            self.last[number] = address
            # An accepted socket has its listener's address, a duplicate its original's.
            if isinstance(address, tuple) and number in self.namesakes and address[1] in self.wild:
                continue
            if isinstance(address, tuple) and address[1] != 0:
                owner = self.names.setdefault(address, number)
                if address[0] == "0.0.0.0":
                    self.wild.setdefault(address[1], number)
                # A port that another socket had: what is what cannot be told.
                if owner != number and number not in self.namesakes:
                    self.collided = True

    def name(self, address):
        if isinstance(address, str):
            return f"path{self.paths[address]}" if address in self.paths else json.dumps(address)
        host, port = address
        shown_host = "H" if host == self.host else host
        if port == 0:
            return f"{shown_host}:0"
        if address not in self.names and port not in self.wild:
            self.learn()
        number = self.names.get(address, self.wild.get(port, "?"))
        return f"{shown_host}:@{number}"

    def unread(self, s):
        return struct.unpack("i", fcntl.ioctl(s, FIONREAD, b"\0\0\0\0"))[0]

    def is_settled(self, s, state):
        poll = select.poll()
        poll.register(s, select.POLLIN | select.POLLRDHUP)
        events = dict(poll.poll(0)).get(s.fileno(), 0)
        if state["waiting"] > 0:
            return events & select.POLLIN != 0
        if s.type == socket.SOCK_DGRAM:
            return state["unread"] == 0 or events & select.POLLIN != 0
        try:
            if self.unread(s) != state["unread"]:
                return False
        except OSError:
            # A listener has no such number.
            return True
        over = select.POLLRDHUP | select.POLLHUP | select.POLLERR
        return not state["over"] or events & over != 0

    def settle(self, settled):
        limit = time.monotonic() + 0.3
        for call in settled["done"]:
            self.calls[call][0].join(0.3)
        for number, state in settled["socks"].items():
            s = self.socks.get(int(number))
            if s is None or s.fileno() < 0:
                continue
            while not self.is_settled(s, state) and time.monotonic() < limit:
                time.sleep(0.0002)
            if not self.is_settled(s, state): print("UNSETTLED", number, state, self.is_settled(s, state), self.unread(s), file=sys.stderr)


def answer(program):
    run = Run(program)
    os.makedirs(run.dir, exist_ok=True)
    results = run.run(program["steps"], program["settled"])
    for s in run.socks.values():
        s.close()
    line = json.dumps({"id": program["id"], "results": results, "collided": run.collided})
    with lock:
        print(line, flush=True)


lock = threading.Lock()
with ThreadPoolExecutor(16) as pool:
    futures = [pool.submit(answer, json.loads(line)) for line in sys.stdin]
    for future in futures:
        future.result()
