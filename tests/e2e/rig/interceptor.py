# SPDX-License-Identifier: Apache-2.0
"""sslsplit as the attacker on the wire: it forges a certificate for every name under a CA of its own."""

import os
import re

from .process import LOOPBACK, Process, free_port, listens, program, wait_for


class Interceptor:
    """Everything that arrives at .address is decrypted, logged and passed on to target ("address:port")."""

    def __init__(self, directory, ca_certificate, ca_key, leaf_key, target, options=(), keep=False):
        self.directory = directory
        self.port = free_port()
        directory.mkdir(parents=True)
        host, port = target.rsplit(":", 1)
        user = ["-u", "root"] if os.geteuid() == 0 else []
        self.process = Process([program("sslsplit"), *user, *options, "-c", ca_certificate, "-k", ca_key, "-K", leaf_key,
                                "-l", directory / "connections.log", "-L", directory / "content.log",
                                "https", LOOPBACK, self.port, host, port], directory / "output.log", keep=keep)
        wait_for("sslsplit to listen", lambda: listens(self.port), explain=self.process.output)

    @property
    def address(self):
        return f"{LOOPBACK}:{self.port}"

    def content(self):
        """Everything it could read, both directions."""
        log = self.directory / "content.log"
        return log.read_bytes() if log.exists() else b""

    def requests(self):
        """The request lines it could read."""
        return [line.decode() for line in re.findall(rb"^([A-Z]+ \S+ HTTP/1\.[01])\r?$", self.content(), re.M)]

    def stop(self):
        self.process.stop()
