# SPDX-License-Identifier: Apache-2.0
"""The way to a server, under an attacker's control: a TCP forwarder whose target can be changed at any time."""

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
