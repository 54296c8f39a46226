# SPDX-License-Identifier: Apache-2.0
"""A TCP server on a free port of the loopback address, a thread for each connection."""

import socketserver
import threading

from .process import LOOPBACK


class Listener(socketserver.ThreadingTCPServer):
    """Listens from the start; handler is a socketserver.BaseRequestHandler, for which this is .server."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, handler):
        super().__init__((LOOPBACK, 0), handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]

    @property
    def address(self):
        return f"{LOOPBACK}:{self.port}"

    def handle_error(self, request, client_address):
        """A peer that goes away is what many tests are about."""

    def stop(self):
        self.shutdown()
        self.server_close()
