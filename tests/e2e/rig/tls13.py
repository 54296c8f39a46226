# SPDX-License-Identifier: Apache-2.0
"""TLS 1.3 by hand: TLS_AES_128_GCM_SHA256 over X25519 or P-256 (RFC 8446)."""

import hashlib
import hmac
import os
import struct

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .handmade import (ALERT, APPLICATION, CHANGE_CIPHER, FINISHED, SERVER_HELLO, SUPPORTED_VERSIONS, TLS13, Connection, Over,
                       message, take, vector)

CIPHER = b"\x13\x01"
KEY_SHARE, X25519, P256 = 51, b"\x00\x1d", b"\x00\x17"
ENCRYPTED_EXTENSIONS, CERTIFICATE_VERIFY = 8, 15
NOTHING = b"\0" * 32
CONTEXT = b" " * 64 + b"TLS 1.3, server CertificateVerify\0"


def extract(salt, secret):
    return hmac.digest(salt, secret, "sha256")


def expand(secret, label, context, size):
    """HKDF-Expand-Label (RFC 8446, section 7.1), of at most one block."""
    info = struct.pack(">H", size) + vector(b"tls13 " + label, 1) + vector(context, 1)
    return hmac.digest(secret, info + b"\x01", "sha256")[:size]


def derive(secret, label, transcript=b""):
    return expand(secret, label, hashlib.sha256(transcript).digest(), 32)


def shared_secret(group, theirs):
    """(the secret, our share)"""
    if group == X25519:
        mine = x25519.X25519PrivateKey.generate()
        return (mine.exchange(x25519.X25519PublicKey.from_public_bytes(theirs)),
                mine.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw))
    mine = ec.generate_private_key(ec.SECP256R1())
    return (mine.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs)),
            mine.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint))


class Side:
    """One direction under one traffic secret."""

    def __init__(self, secret):
        self.secret, self.sequence = secret, 0
        self.aead, self.salt = AESGCM(expand(secret, b"key", b"", 16)), expand(secret, b"iv", b"", 12)

    def nonce(self):
        nonce = bytes(a ^ b for a, b in zip(self.salt, struct.pack(">IQ", 0, self.sequence)))
        self.sequence += 1
        return nonce

    def seal(self, kind, data):
        data += bytes([kind])
        header = struct.pack(">BHH", APPLICATION, 0x0303, len(data) + 16)
        return APPLICATION, self.aead.encrypt(self.nonce(), data, header)

    def open(self, kind, data):
        if kind in (CHANGE_CIPHER, ALERT):  # in the clear: for middle boxes, or of a client without keys yet
            return kind, data
        data = self.aead.decrypt(self.nonce(), data, struct.pack(">BHH", kind, 0x0303, len(data))).rstrip(b"\0")
        return data[-1], data[:-1]


class Tls13(Connection):
    """One client over TLS 1.3."""

    hello = secret = None

    @staticmethod
    def list_of(*ders):
        """The body of a Certificate message."""
        return b"\0" + vector(b"".join(vector(der) + b"\0\0" for der in ders))

    def record(self):
        kind, data = super().record()
        return (kind, data) if kind != CHANGE_CIPHER else self.record()

    def their_share(self):
        shares, _ = take(self.hello.extensions[KEY_SHARE], 2)
        while shares:
            group, (share, shares) = shares[:2], take(shares[2:], 2)
            if group in (X25519, P256):
                return group, share
        raise Over

    def greet(self):
        group, theirs = self.their_share()
        secret, share = shared_secret(group, theirs)
        extensions = (struct.pack(">H", SUPPORTED_VERSIONS) + vector(TLS13, 2) +
                      struct.pack(">H", KEY_SHARE) + vector(group + vector(share, 2), 2))
        self.send(message(SERVER_HELLO, b"\x03\x03" + os.urandom(32) + vector(self.hello.session, 1) + CIPHER + b"\0" +
                          vector(extensions, 2)))
        self.secret = extract(derive(extract(NOTHING, NOTHING), b"derived"), secret)
        self.client = Side(derive(self.secret, b"c hs traffic", self.transcript))
        self.mine = Side(derive(self.secret, b"s hs traffic", self.transcript))
        self.send(message(ENCRYPTED_EXTENSIONS, b"\0\0"))

    def prove(self, key):
        signature = key.sign(CONTEXT + hashlib.sha256(self.transcript).digest(), ec.ECDSA(hashes.SHA256()))
        self.send(message(CERTIFICATE_VERIFY, b"\x04\x03" + vector(signature, 2)))

    def end_flight(self):
        key = expand(self.mine.secret, b"finished", b"", 32)
        self.send(self.finished(hmac.digest(key, hashlib.sha256(self.transcript).digest(), "sha256")))

    def finish(self):
        master, transcript = extract(derive(self.secret, b"derived"), NOTHING), self.transcript
        self.expect(FINISHED)
        self.client = Side(derive(master, b"c ap traffic", transcript))
        self.mine = Side(derive(master, b"s ap traffic", transcript))
