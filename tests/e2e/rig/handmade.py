# SPDX-License-Identifier: Apache-2.0
"""TLS servers by hand, for what no TLS library would send: any bytes as certificates, with a real handshake around them, and
messages that lie, stop or never come.  What TLS 1.2 and 1.3 share; tls12.py and tls13.py are the rest."""

import selectors
import socket
import struct
import threading

from cryptography.exceptions import InvalidTag

from .process import LOOPBACK, RigError

RECORD_MAX = 16384
PATIENCE_SECONDS = 20
CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, FINISHED = 1, 2, 11, 20
CHANGE_CIPHER, ALERT, HANDSHAKE, APPLICATION = 20, 21, 22, 23
SUPPORTED_VERSIONS, TLS13 = 43, b"\x03\x04"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"


class Over(Exception):
    """The client went away, or has said enough."""


def vector(data, width=3):
    return len(data).to_bytes(width, "big") + data


def message(kind, body):
    return bytes([kind]) + vector(body)


def take(data, width):
    """A vector off the front of data: (what is in it, the rest)."""
    size = int.from_bytes(data[:width], "big")
    return data[width:width + size], data[width + size:]


class Hello:
    """What a server has to know of a ClientHello (RFC 8446, section 4.1.2)."""

    def __init__(self, body):
        self.random = body[2:34]
        self.session, rest = take(body[34:], 1)
        _, rest = take(rest, 2)  # ciphers
        _, rest = take(rest, 1)  # compression
        rest, _ = take(rest, 2)
        self.extensions = {}
        while rest:
            kind, (data, rest) = int.from_bytes(rest[:2], "big"), take(rest[2:], 2)
            self.extensions[kind] = data

    @property
    def tls13(self):
        offered, _ = take(self.extensions.get(SUPPORTED_VERSIONS, b"\0"), 1)
        return TLS13 in (offered[i:i + 2] for i in range(0, len(offered), 2))


class Connection:
    """One client, before it is clear which version it speaks.  The versions derive from this."""

    def __init__(self, server, raw):
        self.server, self.raw = server, raw
        self.transcript, self.pending = b"", b""
        self.lies = False  # then its Finished is wrong
        self.client = self.mine = None  # what protects the records of each side, once something does

    def receive(self, size):
        data = b""
        while len(data) < size:
            more = self.raw.recv(size - len(data))
            if not more:
                raise Over
            data += more
        return data

    def record(self):
        """The next record, as (type, plain text)."""
        header = self.receive(5)
        kind, _, size = struct.unpack(">BHH", header)
        data = self.receive(size)
        if self.client is not None:
            kind, data = self.client.open(kind, data)
        elif kind == APPLICATION:
            self.server.saw("bytes of the application before the handshake was over")
            raise Over
        if kind == ALERT:
            self.alert(data)
        return kind, data

    def alert(self, _):
        raise Over

    def handshake(self):
        """The next handshake message, as (type, body)."""
        while len(self.pending) < 4 or len(self.pending) < 4 + int.from_bytes(self.pending[1:4], "big"):
            kind, data = self.record()
            if kind != HANDSHAKE:
                raise Over
            self.pending += data
        size = 4 + int.from_bytes(self.pending[1:4], "big")
        whole, self.pending = self.pending[:size], self.pending[size:]
        self.transcript += whole
        return whole[0], whole[4:]

    def expect(self, wanted):
        """The body of the next handshake message."""
        kind, body = self.handshake()
        if kind != wanted:
            raise Over
        return body

    def write(self, kind, data):
        if self.mine is not None:
            kind, data = self.mine.seal(kind, data)
        self.raw.sendall(struct.pack(">BHH", kind, 0x0303, len(data)) + data)

    def send(self, *messages):
        """Handshake messages, in records of the largest size."""
        data = b"".join(messages)
        self.transcript += data
        for start in range(0, len(data), RECORD_MAX):
            self.write(HANDSHAKE, data[start:start + RECORD_MAX])

    def finished(self, proof):
        """The Finished message."""
        return message(FINISHED, bytes(len(proof)) if self.lies else proof)

    def certificate(self, body):
        """The Certificate message; body is a function of list_of()."""
        return message(CERTIFICATE, body(self.list_of))

    def present(self, key, body):
        """The server's whole flight: hello, certificate, the proof that it has the key, and its end."""
        self.greet()
        self.send(self.certificate(body))
        self.prove(key)
        self.end_flight()
        self.finish()

    def request(self):
        """Reads one; returns its first line."""
        request = b""
        while b"\r\n\r\n" not in request:
            kind, data = self.record()
            request += data if kind == APPLICATION else b""
        line = request.split(b"\r\n")[0].decode("latin-1")
        self.server.saw(line)
        return line

    def answer(self):
        self.write(APPLICATION, ANSWER)
        self.write(ALERT, b"\x01\x00")

    def whole(self, key, body):
        """Everything as it should be, but for the body of the Certificate message."""
        self.present(key, body)
        self.request()
        self.answer()


class HandmadeServer:
    """listen(scene) gives a port on which scene(connection) is played to every client, over the newest version that the
    client offers.  .seen: request lines."""

    def __init__(self, tls12, tls13):
        self.versions = (tls12, tls13)
        self.selector = selectors.DefaultSelector()
        self.seen, self.busy, self.lock = [], 0, threading.Condition()
        self.wake, self.woken = socket.socketpair()
        self.selector.register(self.woken, selectors.EVENT_READ, None)
        threading.Thread(target=self.accept, daemon=True).start()

    def listen(self, scene):
        listener = socket.create_server((LOOPBACK, 0))
        self.selector.register(listener, selectors.EVENT_READ, scene)
        return listener.getsockname()[1]

    def saw(self, line):
        with self.lock:
            self.seen.append(line)

    def accept(self):
        while True:
            for key, _ in self.selector.select(0.2):
                if key.data is None:
                    return
                raw, _ = key.fileobj.accept()
                with self.lock:
                    self.busy += 1
                threading.Thread(target=self.play, args=(raw, key.data), daemon=True).start()

    def play(self, raw, scene):
        with raw:
            raw.settimeout(PATIENCE_SECONDS)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                first = Connection(self, raw)
                hello = Hello(first.expect(CLIENT_HELLO))
                connection = self.versions[hello.tls13](self, raw)
                connection.transcript = first.transcript
                connection.hello = hello
                scene(connection)
            except (Over, OSError, InvalidTag, ValueError, struct.error):
                pass  # the client has gone, as it should in most scenes
        with self.lock:
            self.busy -= 1
            self.lock.notify_all()

    def settle(self):
        """Returns when every client has gone and what it sent has been seen."""
        with self.lock:
            if not self.lock.wait_for(lambda: self.busy == 0, PATIENCE_SECONDS + 5):
                raise RigError("waited for the hand-made server to be done with its clients")

    def stop(self):
        self.wake.send(b"x")
        for key in list(self.selector.get_map().values()):
            if key.data is not None:
                key.fileobj.close()
