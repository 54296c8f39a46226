# SPDX-License-Identifier: Apache-2.0
"""An HTTP proxy that knows CONNECT alone, and takes every name for this machine."""

import re
import socket
import socketserver

from .listener import Listener
from .process import LOOPBACK
from .switch import forward


class Proxy(Listener):
    """.asked: the "host:port" of each CONNECT, and every other request line as it was."""

    def __init__(self):
        self.asked = []
        super().__init__(Tunnel)


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
            forward(self.request, upstream)
