# SPDX-License-Identifier: Apache-2.0
"""An HTTP proxy that knows CONNECT alone, and takes every name for this machine."""

import re
import socket
import socketserver
import threading

from .process import LOOPBACK
from .switch import copy


class Proxy(socketserver.ThreadingTCPServer):
    """.asked: the "host:port" of each CONNECT, and every other request line as it was."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__((LOOPBACK, 0), Tunnel)
        self.asked = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]

    def handle_error(self, request, client_address):
        """A connection that breaks is none of our business."""

    def stop(self):
        self.shutdown()
        self.server_close()


class Tunnel(socketserver.StreamRequestHandler):
    """One connection."""

    rbufsize = 0  # what follows the empty line is not ours to read

    def handle(self):
        line = self.rfile.readline(4096).decode("latin-1").strip()
        while self.rfile.readline(4096) not in (b"\r\n", b""):
            pass
        wanted = re.fullmatch(r"CONNECT (\S+:(\d+)) HTTP/1\.[01]", line)
        self.server.asked.append(wanted.group(1) if wanted else line)
        if not wanted:
            self.wfile.write(b"HTTP/1.1 405 CONNECT only\r\n\r\n")
            return
        with socket.create_connection((LOOPBACK, int(wanted.group(2))), timeout=10) as upstream:
            self.wfile.write(b"HTTP/1.1 200 as you wish\r\n\r\n")
            back = threading.Thread(target=copy, args=(upstream, self.request), daemon=True)
            back.start()
            copy(self.request, upstream)
            back.join()
