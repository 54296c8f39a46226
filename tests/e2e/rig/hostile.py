# SPDX-License-Identifier: Apache-2.0
"""An HTTP server that answers as a test tells it to: slowly, endlessly, with lies, or properly."""

import functools
import gzip
import socket
import socketserver
import struct
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from .process import LOOPBACK


class HostileServer(socketserver.ThreadingMixIn, HTTPServer):
    """Serves a directory; rules, tried in order, are (prefix of the path, function of the handler) and win over it."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, directory):
        super().__init__((LOOPBACK, 0), Handler)
        self.directory = Path(directory)
        self.rules = []
        self.asked = []
        self.stopping = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"http://{LOOPBACK}:{self.server_port}"

    def handle_error(self, request, client_address):
        """A client that goes away is what many tests are about."""

    def stop(self):
        self.stopping.set()
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self):  # pylint: disable=invalid-name
        self.server.asked.append(self.path)
        for prefix, rule in self.server.rules:
            if self.path.startswith(prefix):
                rule(self)
                return
        path = self.server.directory / self.path.lstrip("/")
        if path.is_file():
            self.answer(200, path.read_bytes())
        else:
            self.answer(404, b"")

    def answer(self, code, body, **headers):
        self.send_response(code)
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Quiet."""


def status(code, **headers):
    return lambda handler: handler.answer(code, b"", **headers)


def endless(handler):
    """Bytes until the client has had enough."""
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.stopping.is_set():
        handler.wfile.write(b"x" * 65536)


def dripping(handler):
    """One byte now and then."""
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.stopping.wait(0.2):
        handler.wfile.write(b"x")
        handler.wfile.flush()


def silent(handler):
    """Nothing at all."""
    handler.server.stopping.wait(30)


def cut(handler):
    """Announces more than it sends."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    handler.wfile.write(b"PNTL0001")


@functools.cache
def packed():
    """A few kilobytes that unpack to a hundred megabytes."""
    return gzip.compress(b"x" * 100_000_000, 6)


def bomb(handler):
    handler.answer(200, packed(), Content_Encoding="gzip")


def raw(first, again=b"", reset=False):
    """Bytes as they are, some of them again and again while the client takes them, then the end of the connection."""
    def rule(handler):
        handler.wfile.write(first)
        while again and not handler.server.stopping.is_set():
            handler.wfile.write(again)
        if reset:
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.close_connection = True
    return rule


OK = b"HTTP/1.1 200 OK\r\n"
PROTOCOL = {
    "a shorter length": raw(OK + b"Content-Length: 8\r\n\r\nPNTL0001and more of it"),
    "chunks cut": raw(OK + b"Transfer-Encoding: chunked\r\n\r\n8\r\nPNTL0001\r\n"),
    "chunks without sense": raw(OK + b"Transfer-Encoding: chunked\r\n\r\nPNTL0001\r\n0\r\n\r\n"),
    "an unknown encoding": raw(OK + b"Content-Encoding: x-zip\r\nContent-Length: 8\r\n\r\nPNTL0001"),
    "a bomb in transfer encoding": lambda handler: raw(OK + b"Transfer-Encoding: gzip\r\n\r\n" + packed())(handler),
    "one huge header": raw(OK + b"X: ", again=b"x" * 4096),
    "endless headers": raw(OK, again=b"X-Header: xxxxxxxxxxxxxxxxxxxxxxxxxx\r\n" * 50),
    "endless 1xx": raw(b"", again=b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 50),
    "HTTP/0.9": raw(b"PNTL0001"),
    "no HTTP": raw(b"\x16\x03\x03\x00\x01"),
    "nothing": raw(b""),
    "reset": raw(b"", reset=True),
    "reset within the body": raw(OK + b"Content-Length: 100\r\n\r\nPNTL0001", reset=True),
    "204 with a body": raw(b"HTTP/1.1 204 No Content\r\nContent-Length: 8\r\n\r\nPNTL0001"),
    "206": raw(b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-7/100\r\nContent-Length: 8\r\n\r\nPNTL0001"),
    "304": raw(b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"),
    "401": raw(b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n"),
}
