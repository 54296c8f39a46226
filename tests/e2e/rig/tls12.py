# SPDX-License-Identifier: Apache-2.0
"""TLS 1.2 by hand: ECDHE-ECDSA-AES128-GCM-SHA256 over P-256 (RFC 5246, 5289, 8422), and renegotiation (RFC 5746)."""

import hashlib
import hmac
import os
import struct

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .handmade import CHANGE_CIPHER, CLIENT_HELLO, FINISHED, HANDSHAKE, SERVER_HELLO, Connection, Hello, Over, message, vector

CIPHER = b"\xc0\x2b"
HELLO_REQUEST, KEY_EXCHANGE, DONE, CLIENT_KEY_EXCHANGE = 0, 12, 14, 16
NO_RENEGOTIATION = b"\x01\x64"


class Declined(Exception):
    """The client said that it does not renegotiate (RFC 5246, section 7.2.2)."""


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
        return kind, nonce + self.aead.encrypt(self.salt + nonce, data, self.parameters(kind, len(data)))

    def open(self, kind, data):
        return kind, self.aead.decrypt(self.salt + data[:8], data[8:], self.parameters(kind, len(data) - 24))


class Tls12(Connection):
    """One client over TLS 1.2."""

    hello = ephemeral = None
    random = b""
    verified = b""  # both Finished messages of the handshake before

    @staticmethod
    def list_of(*ders):
        """The body of a Certificate message."""
        return vector(b"".join(map(vector, ders)))

    def alert(self, data):
        if data == NO_RENEGOTIATION:
            raise Declined
        raise Over

    def server_hello(self):
        self.random, self.ephemeral = os.urandom(28) + b"mine", ec.generate_private_key(ec.SECP256R1())
        extensions = vector(b"\xff\x01" + vector(vector(self.verified, 1), 2), 2)
        return message(SERVER_HELLO, b"\x03\x03" + self.random + b"\0" + CIPHER + b"\0" + extensions)

    def greet(self):
        self.send(self.server_hello())

    def prove(self, key):
        point = self.ephemeral.public_key().public_bytes(serialization.Encoding.X962,
                                                         serialization.PublicFormat.UncompressedPoint)
        parameters = b"\x03\x00\x17" + vector(point, 1)
        signature = key.sign(self.hello.random + self.random + parameters, ec.ECDSA(hashes.SHA256()))
        self.send(message(KEY_EXCHANGE, parameters + b"\x04\x03" + vector(signature, 2)))

    def end_flight(self):
        self.send(message(DONE, b""))

    def secrets(self, point):
        peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        master = prf(self.ephemeral.exchange(ec.ECDH(), peer), b"master secret", self.hello.random + self.random, 48)
        block = prf(master, b"key expansion", self.random + self.hello.random, 40)
        return master, Side(block[:16], block[32:36]), Side(block[16:32], block[36:40])

    def finish(self):
        """The client's second flight, and ours."""
        master, client, mine = self.secrets(self.expect(CLIENT_KEY_EXCHANGE)[1:])
        if self.record()[0] != CHANGE_CIPHER:
            raise Over
        self.client = client
        theirs = self.expect(FINISHED)
        self.write(CHANGE_CIPHER, b"\x01")
        self.mine = mine
        ours = prf(master, b"server finished", hashlib.sha256(self.transcript).digest(), 12)
        self.send(self.finished(ours))
        self.verified = theirs + ours

    def renegotiate(self, key, body):
        """Asks for another handshake, with this Certificate message.  False: the client declines."""
        self.write(HANDSHAKE, message(HELLO_REQUEST, b""))
        self.transcript, self.pending = b"", b""
        try:
            self.hello = Hello(self.expect(CLIENT_HELLO))
        except Declined:
            return False
        self.present(key, body)
        return True
