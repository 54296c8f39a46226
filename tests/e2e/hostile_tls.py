# SPDX-License-Identifier: Apache-2.0
"""The hostile servers of the suite: Certificate messages that lie or are garbage, and certificates that one library parses
and another does not.  Those are signed by the right authority over the pinned key: only their form is wrong."""

import os
import random

from cryptography.hazmat.primitives import serialization

from pki import new_key
from rig.der import (SAN, SERVER_AUTH, TRUE, USAGE, alternative_names, common_name, der, extension, leaf, seq, spki_of, tlv,
                     usual_extensions, utc)
from rig.handmade import CERTIFICATE, FINISHED, HANDSHAKE, SERVER_HELLO, HandmadeServer, message, vector
from rig.tls12 import Tls12
from rig.tls13 import Tls13

MEGABYTES_10 = 10_000_000
BASIC_AND_USAGE = 2  # how many of the usual extensions come before the names


def certificates(*ders):
    """The body of a Certificate message, for either version."""
    return lambda list_of: list_of(*ders)


def raw(body):
    """A body that is no list of certificates; TLS 1.3 has one byte more in front of the list."""
    return lambda list_of: list_of()[:-3] + body


class HostileTls:
    """.port(name) of every scene."""

    def __init__(self, scenes):
        self.issuing, self.key, self.names = scenes.issuing, scenes.key, scenes.names
        self.good, self.above = der(scenes.good), der(scenes.issuing.certificate)
        self.server = HandmadeServer(Tls12, Tls13)
        self.ports = {}
        for name, body in {**self.messages(), **{name: certificates(one, self.above)
                                                 for name, one in self.leaves().items()}}.items():
            self.ports[name] = self.server.listen(lambda connection, body=body: connection.whole(self.key, body))
        for name, scene in {**self.flights(), **self.renegotiations(scenes)}.items():
            self.ports[name] = self.server.listen(scene)

    def messages(self):
        """Bodies of the Certificate message."""
        good, above = self.good, self.above
        noise = random.Random(5).randbytes(len(good))
        deep = b""
        for _ in range(8000):
            deep = tlv(0x30, deep)
        return {
            "good": certificates(good, above),
            "no-certificates": certificates(),
            "empty-certificate": certificates(b"", above),
            "empty-message": lambda list_of: b"",
            "truncated": certificates(good[:len(good) // 2], above),
            "one-byte-short": certificates(good[:-1], above),
            "one-byte-more": certificates(good + b"\0", above),
            "list-lies": raw(vector(vector(good) + vector(above))[:-100]),
            "entry-lies": raw(vector(b"\xff\xff\xff" + good + vector(above))),
            "noise": certificates(noise, above),
            "noise-above": certificates(good, noise),
            "noise-appended": certificates(good, above, noise),
            "text": certificates(b"-----BEGIN CERTIFICATE-----\n", above),
            "deep": certificates(deep, above),
            "deep-above": certificates(good, deep),
            "length-4g": certificates(b"\x30\x84\xff\xff\xff\xff" + good[4:], above),
            "length-indefinite": certificates(b"\x30\x80" + good[4:] + b"\0\0", above),
            "ten-megabytes-noise": certificates(os.urandom(MEGABYTES_10)),
            "ten-megabytes-leaf": certificates(tlv(0x30, good, b"\0" * MEGABYTES_10), above),
            "ten-megabytes-chain": certificates(good, *[above] * (MEGABYTES_10 // len(above))),
            "hundred-issuers": certificates(good, *[above] * 100),
        }

    def one(self, **parts):
        return leaf(self.issuing, self.key, self.names, **parts)

    def named(self, *more_names, drop_names=False, more=()):
        """The usual extensions with other names."""
        names = [] if drop_names else [name.encode() for name in self.names]
        return [*usual_extensions(self.names)[:BASIC_AND_USAGE],
                extension(SAN, alternative_names(*names, *more_names)), *more]

    def leaves(self):
        """Certificates of an odd form."""
        unknown = bytes.fromhex("06092b060104018237630a")
        usual = usual_extensions(self.names)
        return {
            **self.odd_fields(), **self.odd_keys(),
            "version-1": self.one(version=b"", extensions=None),
            "version-1-extensions": self.one(version=b""),
            "version-9": self.one(version=bytes.fromhex("a003020108")),
            "names-twice": self.one(extensions=[*usual, usual[-1]]),
            "unknown-critical": self.one(extensions=[*usual, extension(unknown, b"\x05\0", TRUE)]),
            "unknown-empty": self.one(extensions=[*usual, extension(unknown, b"")]),
            "no-extensions": self.one(extensions=[]),
            "names-nul": self.one(extensions=self.named(b"leaf.test\0.evil.test", drop_names=True)),
            "names-odd": self.one(extensions=self.named([tlv(0xA3, b"\x30\0")], [tlv(0x87, b"12345")], b"",
                                                        b"\xff\xfe")),
            "names-cut": self.one(extensions=[*usual[:BASIC_AND_USAGE], extension(SAN, b"\x30\x20\x82\x09leaf")]),
            "usage-garbage": self.one(extensions=[usual[0], extension(USAGE, b"\x04\x01x"), usual[2]]),
            "usage-trailing": self.one(extensions=[usual[0], extension(USAGE, seq(SERVER_AUTH) + b"\x05\0"), usual[2]]),
            "boolean-one": self.one(extensions=[*usual, extension(unknown, b"\x05\0", b"\x01\x01\x01")]),
        }

    def odd_fields(self):
        return {
            "serial-negative": self.one(serial=bytes.fromhex("0201ff")),
            "serial-zero": self.one(serial=bytes.fromhex("020100")),
            "serial-empty": self.one(serial=bytes.fromhex("0200")),
            "serial-padded": self.one(serial=bytes.fromhex("0203000001")),
            "serial-long": self.one(serial=tlv(2, b"\x11" * 60)),
            "subject-not-utf8": self.one(subject=common_name(b"\xff\xfe\xfd")),
            "subject-odd-type": self.one(subject=common_name(b"leaf", tag=0x1F - 3)),
            "subject-garbage": self.one(subject=b"\x30\x03\x31\x01\x30"),
            "time-no-seconds": self.one(validity=seq(utc("2001010000Z"), utc("491231235959Z"))),
            "time-with-zone": self.one(validity=seq(utc("200101000000+0000"), utc("491231235959Z"))),
            "time-generalized": self.one(validity=seq(utc("20200101000000Z", 0x18), utc("20491231235959Z", 0x18))),
            "time-nonsense": self.one(validity=seq(utc("209999999999Z"), utc("491231235959Z"))),
            "time-reversed": self.one(validity=seq(utc("491231235959Z"), utc("200101000000Z"))),
            "length-padded": self.one(size=4),
            "tail-in-tbs": self.one(tail=b"\x05\0"),
            "tail-in-certificate": self.one(after=b"\x05\0"),
            "tail-after-certificate": self.one() + b"\x05\0",
            "algorithms-differ": self.one(outer=bytes.fromhex("300a06082a8648ce3d040303")),
            "algorithm-null": self.one(algorithm=bytes.fromhex("300c06082a8648ce3d0403020500")),
            "set-for-sequence": self.one(wrap=lambda *parts: tlv(0x31, *parts)),
        }

    def odd_keys(self):
        """The pinned key in another form: its hash is another one, whatever a library makes of it."""
        usual = spki_of(self.key)
        numbers = self.key.public_key().public_bytes
        compressed = numbers(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
        point = numbers(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        algorithm = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")
        bits = tlv(3, b"\0", point)
        return {
            "key-compressed": self.one(spki=seq(algorithm, tlv(3, b"\0", compressed))),
            "key-hybrid": self.one(spki=seq(algorithm, tlv(3, b"\0", bytes([6 + point[-1] % 2]), point[1:]))),
            "key-padded": self.one(spki=seq(algorithm, bits, size=2)),
            "key-unused-bits": self.one(spki=seq(algorithm, tlv(3, b"\x01", point))),
            "key-tail": self.one(spki=seq(algorithm, bits, b"\x05\0")),
            "key-no-curve": self.one(spki=seq(bytes.fromhex("300906072a8648ce3d0201"), bits)),
            "key-off-curve": self.one(spki=usual[:-1] + bytes([usual[-1] ^ 1])),
            "key-unknown": self.one(spki=seq(bytes.fromhex("300806062b0601040163"), bits)),
        }

    def flights(self):
        """Servers that do not keep to the order of the messages."""
        body = certificates(self.good, self.above)

        def play(connection, *sent, key=self.key):
            connection.greet()
            for one in sent:
                connection.send(one)
            connection.prove(key)
            connection.end_flight()
            connection.finish()
            connection.request()
            connection.answer()

        def cut(connection):
            connection.greet()
            whole = connection.certificate(body)
            connection.send(whole[:len(whole) // 2])

        def twice(connection):
            play(connection, connection.certificate(body), connection.certificate(body))

        def stranger(connection):
            play(connection, connection.certificate(body), key=new_key())

        def finished_at_once(connection):
            connection.greet()
            connection.send(connection.certificate(body), message(FINISHED, b"x" * 12))
            connection.request()

        def liar(connection):
            connection.lies = True
            play(connection, connection.certificate(body))

        def cut_before_finished(connection):
            connection.greet()
            connection.send(connection.certificate(body))
            connection.prove(self.key)

        def early_answer(connection):
            connection.greet()
            connection.send(connection.certificate(body))
            connection.prove(self.key)
            connection.answer()
            connection.request()

        def endless(connection):
            connection.greet()
            connection.send(bytes([CERTIFICATE]) + b"\xff\xff\xff")
            while True:
                connection.write(HANDSHAKE, b"x" * 16000)

        return {
            "cut-in-certificate": cut, "certificate-twice": twice, "certificate-missing": play, "key-of-another": stranger,
            "finished-wrong": liar, "cut-before-finished": cut_before_finished, "answer-before-finished": early_answer,
            "finished-at-once": finished_at_once, "certificate-endless": endless,
            "closed-at-once": lambda connection: None,
            "no-tls": lambda connection: connection.raw.sendall(b"HTTP/1.1 200 OK\r\n\r\n" * 3),
            "hello-noise": lambda connection: connection.send(message(SERVER_HELLO, os.urandom(200))),
        }

    def renegotiations(self, scenes):
        """The pinned certificate at first; with the request in, another handshake with that one or another."""
        first = certificates(self.good, self.above)
        seconds = {"renegotiate": (self.key, first),
                   "renegotiate-stray": (scenes.stray_key, certificates(der(scenes.stray), self.above)),
                   "renegotiate-rogue": (scenes.stray_key, certificates(der(scenes.forged))),
                   "renegotiate-noise": (scenes.stray_key, certificates(os.urandom(500)))}

        def scene(connection, key, body):
            connection.present(self.key, first)
            line = connection.request()
            if connection.renegotiate(key, body) and body != first:
                connection.server.saw(f"{line} and took another certificate")
            connection.answer()

        return {name: lambda connection, second=second: scene(connection, *second) for name, second in seconds.items()}

    def port(self, name):
        return self.ports[name]

    def stop(self):
        self.server.stop()
