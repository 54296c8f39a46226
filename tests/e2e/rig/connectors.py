# SPDX-License-Identifier: Apache-2.0
"""The connectors of tests/suite: one long-running application over each TLS adapter."""

import os
import re
import select
import subprocess

from .process import Process, RigError, program, wait_for
from .programs import binary, clean_environment

ANSWER_SECONDS = 60


def path_of(name, kind="connect"):
    """Where the build puts it; None if it has not been built."""
    path = binary("pintle").parents[1] / "tests" / f"{kind}_{name}"
    return path if path.exists() else None


class PlainServer:
    """serve_NAME: an HTTPS server over another TLS library."""

    def __init__(self, name, directory, chain, key):
        self.name = name
        self.process = Process([path_of(name, "serve"), chain, key], directory / f"serve_{name}.log")
        self.known_port = None

    @property
    def port(self):
        if self.known_port is None:
            said = wait_for(f"serve_{self.name} to listen", lambda: re.match(r"port (\d+)\n", self.process.output()),
                            explain=self.process.output)
            self.known_port = int(said.group(1))
        return self.known_port

    def requests(self):
        """Every request line that reached it: it says so before it answers."""
        return self.process.output().splitlines()[1:]

    def stop(self):
        self.process.stop()
        said = self.process.output()
        if "Sanitizer" in said or "runtime error: " in said:
            raise AssertionError(said)


class Connector:
    """One application.  ask() sends an order and returns its answer."""

    def __init__(self, name, directory):
        self.name = name
        self.serves = None  # whose client it has; the runner's business
        self.log = directory / f"connect_{name}.log"
        path = path_of(name)
        if path is None:
            raise RigError(f"build/tests/connect_{name} is not there; build it with `tools/test`")
        # Its end of the pipe is closed when we end, whatever the reason; the signal is for one that hangs.
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([program("setpriv"), "--pdeathsig", "KILL", path], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=log, env=clean_environment(),
                                            bufsize=0, start_new_session=True)
        self.buffer = b""

    def ask(self, order):
        try:
            self.process.stdin.write(order.encode() + b"\n")
        except BrokenPipeError:
            pass  # the answer will be missing
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.process.stdout], [], [], ANSWER_SECONDS)
            data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not data:
                raise RigError(f"connect_{self.name} did not answer {order!r}\n" + self.said())
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.decode(errors="replace")

    def must(self, order):
        """An order that belongs to the preparation."""
        answer = self.ask(order)
        if not answer.startswith(("ok", "status=ok ")):
            raise RigError(f"connect_{self.name}: {order}: {answer}")
        return answer

    def said(self):
        return self.log.read_text(errors="replace")[-20000:]

    def end(self):
        """End of input; anything but a quiet end is a finding."""
        self.process.stdin.close()
        try:
            code = self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        said = self.said()
        if code != 0 or "Sanitizer" in said or "runtime error: " in said:
            raise AssertionError(f"connect_{self.name} ended with {code}\n{said}")


def answer_words(line):
    """The words of the answer to "connect", a dictionary."""
    head, _, detail = line.partition(" detail=")
    words = dict(re.findall(r"(\S+?)=(\S*)", head))
    return {**words, "detail": detail}
