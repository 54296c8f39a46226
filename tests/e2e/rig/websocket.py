# SPDX-License-Identifier: Apache-2.0
"""A WebSocket server (RFC 6455) that says back what it is told, for a TLS server in front of it."""

import base64
import hashlib
import socketserver

from .listener import Listener

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE = 1, 8


class EchoServer(Listener):
    """.heard: the texts that arrived."""

    def __init__(self):
        self.heard = []
        super().__init__(Conversation)


class Conversation(socketserver.StreamRequestHandler):
    """One connection: the upgrade, then short frames until one closes it."""

    def handle(self):
        key = b""
        while (line := self.rfile.readline().strip()):
            name, _, value = line.partition(b":")
            if name.lower() == b"sec-websocket-key":
                key = value.strip()
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        opcode = TEXT
        while opcode != CLOSE:
            opcode, payload = self.frame()
            if opcode == TEXT:
                self.server.heard.append(payload.decode())
            self.wfile.write(bytes([0x80 | opcode, len(payload)]) + payload)

    def frame(self):
        """One unfragmented frame of at most 125 bytes, unmasked."""
        opcode, length = self.rfile.read(2)
        mask = self.rfile.read(4)
        payload = self.rfile.read(length & 0x7F)
        return opcode & 0x0F, bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
