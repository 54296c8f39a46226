# SPDX-License-Identifier: Apache-2.0
"""The way to a server, under an attacker's control: a TCP forwarder whose target can be changed at any time."""

import socket
import socketserver
import threading

from .process import LOOPBACK


class Switch(socketserver.ThreadingTCPServer):
    """Forwards every new connection to .target ("address:port", None: refuses)."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, target):
        super().__init__((LOOPBACK, 0), Forwarder)
        self.target = target
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self):
        return f"{LOOPBACK}:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        """A connection that breaks is none of our business."""

    def stop(self):
        self.shutdown()
        self.server_close()


class Forwarder(socketserver.BaseRequestHandler):
    """One connection."""

    def handle(self):
        if self.server.target is None:
            return
        host, port = self.server.target.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=10) as upstream:
            back = threading.Thread(target=copy, args=(upstream, self.request), daemon=True)
            back.start()
            copy(self.request, upstream)
            back.join()


def copy(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
