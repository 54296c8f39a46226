# SPDX-License-Identifier: Apache-2.0
"""The way to a server, under an attacker's control: a TCP forwarder whose target can be changed at any time."""

import itertools
import socket
import socketserver
import threading

from .listener import Listener


class Switch(Listener):
    """Forwards every new connection to .target ("address:port", None: refuses)."""

    def __init__(self, target):
        self.target = target
        super().__init__(Forwarder)


class Forwarder(socketserver.BaseRequestHandler):
    """One connection."""

    def handle(self):
        if self.server.target is None:
            return
        host, port = self.server.target.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=10) as upstream:
            self.forward(upstream)

    def forward(self, upstream):
        forward(self.request, upstream)


def forward(client, upstream):
    """Both directions, until both have ended."""
    back = threading.Thread(target=copy, args=(upstream, client), daemon=True)
    back.start()
    copy(client, upstream)
    back.join()


def copy(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Dribble(Switch):
    """Passes on a few bytes at a time, so that what is read never ends where a message does."""

    PIECES = (1, 2, 3, 5, 7, 11)

    def __init__(self, target):
        super().__init__(target)
        self.RequestHandlerClass = Dribbler


class Dribbler(Forwarder):
    """One connection, dribbling towards the client."""

    def forward(self, upstream):
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        forward(Pieces(self.request), upstream)


class Pieces:
    """A socket that sends in pieces."""

    def __init__(self, request):
        self.request = request
        self.recv, self.shutdown = request.recv, request.shutdown

    def sendall(self, data):
        sizes = itertools.cycle(Dribble.PIECES)
        while data:
            size = next(sizes)
            self.request.sendall(data[:size])
            data = data[size:]
