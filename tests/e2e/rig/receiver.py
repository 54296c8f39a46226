# SPDX-License-Identifier: Apache-2.0
"""A receiver of webhooks that answers, refuses, hangs up or hangs, as it is told; and a real Alertmanager."""

import http.server
import json
import threading
import urllib.request

from .listener import Listener
from .process import LOOPBACK, Process, free_port, program, wait_for
from .programs import clean_environment


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        receiver = self.server.receiver
        body = self.rfile.read(int(self.headers["content-length"]))
        behaviour = receiver.behaviours.pop(0) if receiver.behaviours else 200
        receiver.attempts += 1
        if behaviour == "hang":
            receiver.released.wait(60)
        if not isinstance(behaviour, int):
            self.close_connection = True
            return
        if behaviour < 300:
            receiver.messages.append((self.path, json.loads(body)))
        self.send_response(behaviour)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Receiver:
    """behaviours: what each next request meets, a status code, "close" or "hang"; 200 when there are none left.
    messages: path and content of what was taken."""

    def __init__(self, *behaviours):
        self.behaviours, self.messages, self.attempts = list(behaviours), [], 0
        self.released = threading.Event()
        self.listener = Listener(_Handler)
        self.listener.receiver = self

    def url(self, path="/"):
        return f"http://{self.listener.address}{path}"

    def wait_for(self, count, seconds=60):
        return wait_for(f"{count} messages", lambda: len(self.messages) >= count and self.messages, seconds,
                        explain=lambda: f"{self.attempts} attempts, {self.messages}")

    def stop(self):
        self.released.set()
        self.listener.stop()


class Alertmanager:
    """Debian's, on a free port, alone."""

    def __init__(self, directory):
        directory.mkdir()
        (directory / "alertmanager.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
        port = free_port()
        self.url = f"http://{LOOPBACK}:{port}"
        self.process = Process([program("prometheus-alertmanager"), f"--config.file={directory}/alertmanager.yml",
                                f"--storage.path={directory}/data", f"--web.listen-address={LOOPBACK}:{port}",
                                "--cluster.listen-address="], directory / "log", env=clean_environment())
        wait_for("the Alertmanager", self.is_ready, seconds=60, explain=self.process.output)

    def is_ready(self):
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def alerts(self):
        """Those that fire, by name."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts?active=true", timeout=10) as answer:
            return {alert["labels"]["alertname"]: alert for alert in json.load(answer)}

    def stop(self):
        self.process.stop()
