# SPDX-License-Identifier: Apache-2.0
"""A TLS 1.2 server by hand, for what no TLS library would send: any bytes as certificates, with a real handshake around
them (ECDHE-ECDSA-AES128-GCM-SHA256 over P-256, RFC 5246, 5289, 8422), and messages that lie, stop or never come."""

import hashlib
import hmac
import os
import selectors
import socket
import struct
import threading

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .process import LOOPBACK, RigError

CIPHER = 0xC02B
RECORD_MAX = 16384
PATIENCE_SECONDS = 20
HELLO, CERTIFICATE, KEY_EXCHANGE, DONE, CLIENT_KEY_EXCHANGE, FINISHED = 2, 11, 12, 14, 16, 20
CHANGE_CIPHER, ALERT, HANDSHAKE, APPLICATION = 20, 21, 22, 23
NO_RENEGOTIATION = b"\x01\x64"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"


class Over(Exception):
    """The client went away, or has said enough."""


class Declined(Exception):
    """The client said that it does not renegotiate (RFC 5246, section 7.2.2)."""


def vector(data, width=3):
    return len(data).to_bytes(width, "big") + data


def certificates(*ders):
    """The body of a Certificate message."""
    return vector(b"".join(map(vector, ders)))


def message(kind, body):
    return bytes([kind]) + vector(body)


def prf(secret, label, seed, size):
    """RFC 5246, section 5, with SHA-256."""
    seed, block, out = label + seed, label + seed, b""
    while len(out) < size:
        block = hmac.digest(secret, block, "sha256")
        out += hmac.digest(secret, block + seed, "sha256")
    return out[:size]


class Side:
    """One direction of an established connection."""

    def __init__(self, key, salt):
        self.aead, self.salt, self.sequence = AESGCM(key), salt, 0

    def parameters(self, kind, size):
        extra = struct.pack(">QBHH", self.sequence, kind, 0x0303, size)
        self.sequence += 1
        return extra

    def seal(self, kind, data):
        nonce = struct.pack(">Q", self.sequence)
        return nonce + self.aead.encrypt(self.salt + nonce, data, self.parameters(kind, len(data)))

    def open(self, kind, data):
        return self.aead.decrypt(self.salt + data[:8], data[8:], self.parameters(kind, len(data) - 24))


class Connection:
    """One client.  A scene calls what it wants of hello(), certificate(), key_exchange(), finish() and send()."""

    def __init__(self, server, raw):
        self.server, self.raw = server, raw
        self.transcript, self.pending = b"", b""
        self.client = self.mine = None
        self.client_random = self.server_random = b""
        self.ephemeral = None
        self.verified = b""  # both Finished messages of the handshake before (RFC 5746)

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
        kind, _, size = struct.unpack(">BHH", self.receive(5))
        data = self.receive(size)
        if kind == APPLICATION and self.client is None:
            self.server.saw("bytes of the application before the handshake was over")
            raise Over
        if self.client is not None:
            data = self.client.open(kind, data)
        if kind == ALERT:
            raise Declined if data == NO_RENEGOTIATION else Over
        return kind, data

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

    def send(self, *messages):
        """Handshake messages, in records of the largest size."""
        data = b"".join(messages)
        self.transcript += data
        for start in range(0, len(data), RECORD_MAX):
            self.write(HANDSHAKE, data[start:start + RECORD_MAX])

    def write(self, kind, data):
        if self.mine is not None:
            data = self.mine.seal(kind, data)
        self.raw.sendall(struct.pack(">BHH", kind, 0x0303, len(data)) + data)

    def hello(self):
        """Reads ClientHello; returns the ServerHello for it."""
        self.transcript, self.pending = b"", b""
        self.server_random, self.ephemeral = os.urandom(28) + b"mine", ec.generate_private_key(ec.SECP256R1())
        kind, body = self.handshake()
        if kind != 1:
            raise Over
        self.client_random = body[2:34]
        extensions = vector(b"\xff\x01" + vector(vector(self.verified, 1), 2), 2)
        return message(HELLO, b"\x03\x03" + self.server_random + b"\0" + CIPHER.to_bytes(2, "big") + b"\0" + extensions)

    def key_exchange(self, key):
        point = self.ephemeral.public_key().public_bytes(serialization.Encoding.X962,
                                                         serialization.PublicFormat.UncompressedPoint)
        parameters = b"\x03\x00\x17" + vector(point, 1)
        signed = self.client_random + self.server_random + parameters
        signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return message(KEY_EXCHANGE, parameters + b"\x04\x03" + vector(signature, 2))

    def secrets(self, point):
        peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        premaster = self.ephemeral.exchange(ec.ECDH(), peer)
        master = prf(premaster, b"master secret", self.client_random + self.server_random, 48)
        block = prf(master, b"key expansion", self.server_random + self.client_random, 40)
        return master, Side(block[:16], block[32:36]), Side(block[16:32], block[36:40])

    def finish(self):
        """The client's second flight, and ours."""
        kind, body = self.handshake()
        if kind != CLIENT_KEY_EXCHANGE:
            raise Over
        master, client, mine = self.secrets(body[1:])
        if self.record()[0] != CHANGE_CIPHER:
            raise Over
        self.client = client
        kind, theirs = self.handshake()
        if kind != FINISHED:
            raise Over
        self.write(CHANGE_CIPHER, b"\x01")
        self.mine = mine
        ours = prf(master, b"server finished", hashlib.sha256(self.transcript).digest(), 12)
        self.send(message(FINISHED, ours))
        self.verified = theirs + ours

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

    def serve(self):
        self.request()
        self.answer()

    def renegotiate(self, key, body):
        """Asks for another handshake, with this Certificate message.  False: the client declines."""
        self.write(HANDSHAKE, message(0, b""))
        try:
            self.send(self.hello(), message(CERTIFICATE, body), self.key_exchange(key), message(DONE, b""))
        except Declined:
            return False
        self.finish()
        return True

    def whole(self, key, body):
        """Everything as it should be, but for the body of the Certificate message."""
        self.send(self.hello(), message(CERTIFICATE, body), self.key_exchange(key), message(DONE, b""))
        self.finish()
        self.serve()


class Tls12Server:
    """listen(scene) gives a port on which scene(connection) is played to every client.  .seen: request lines."""

    def __init__(self):
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
                scene(Connection(self, raw))
            except (Over, Declined, OSError, InvalidTag, ValueError, struct.error):
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
