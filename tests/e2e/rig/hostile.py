# SPDX-License-Identifier: Apache-2.0
"""An HTTP server that answers as a test tells it to: slowly, endlessly, with lies, or properly."""

import socketserver
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
