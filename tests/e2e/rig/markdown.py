# SPDX-License-Identifier: Apache-2.0
"""Documents whose fenced blocks are run, and blocks of shell as a reader would type them."""

import os
import re
import subprocess
from typing import NamedTuple

from .process import LOOPBACK, Process, free_port
from .programs import binary, clean_environment


class Block(NamedTuple):
    """One fenced block."""

    language: str
    text: str
    line: int


def blocks(document, language=None):
    """The fenced blocks of a Markdown text, or those of one language."""
    found = [Block(match[1], match[2], document.count("\n", 0, match.start()) + 1)
             for match in re.finditer(r"^```(\w*)[^\n]*\n(.*?)^```$", document, re.M | re.S)]
    return [block for block in found if language in (None, block.language)]


def one_block(document, language, containing):
    """The one block of that language that contains a text."""
    found = [block.text for block in blocks(document, language) if containing in block.text]
    assert len(found) == 1, f"expected one {language} block with {containing!r}, found {len(found)}"
    return found[0]


class Session:
    """A shell in which a reader types what a document says: one directory, the built programs, one site to look at.

    check, get and probe connect to site, whatever host they name, and trust the CA; what stands at 8440 in the document
    is at a free port, and replacing has more of the kind.  Servers that are started in the background are waited for, and end with the session.
    """

    def __init__(self, directory, site=None, ca=None, environment=None, replacing=None):
        self.directory = directory
        self.port = free_port()
        self.replacing = {"8440": str(self.port), **(replacing or {})}
        self.commands = directory / ".bin"
        self.commands.mkdir()
        self.path = f"{self.commands}:{binary('pintle').parent}:{os.environ['PATH']}"
        self.environment = environment or {}
        if site is not None:
            self.command("pintle", f"case $1 in check | get) set -- \"$@\" --connect {site.address} --ca {ca} ;;\n"
                         f"probe) set -- \"$@\" --address {site.address} --ca {ca} ;;\n"
                                   f"verify) set -- \"$@\" --ca {ca} ;; esac\n"
                                   f"exec {binary('pintle')} \"$@\"")

    def command(self, name, script):
        """What the session finds under a name that the document leaves to its reader, or that the test has a hand in."""
        path = self.commands / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def prepared(self, script):
        ready = f"until curl -fs http://{LOOPBACK}:{self.port}/head/1 >/dev/null; do kill -0 $!; sleep 0.05; done"
        script = re.sub(r"^(pintled .*?) &( +#.*)?$", rf"\1 --listen {LOOPBACK}:8440 &\n{ready}", script, flags=re.M)
        return f"cd {self.directory}\n{self.replaced(script)}"

    def replaced(self, text):
        for old, new in self.replacing.items():
            text = text.replace(old, new)
        return text

    def run(self, script, seconds=60):
        """Runs it all in one shell that ends at the first failure; returns everything that was said."""
        log = self.directory / ".log"
        log.unlink(missing_ok=True)
        process = Process(["sh", "-eux", "-c", self.prepared(script)], log,
                          env=clean_environment({"PATH": self.path, **self.environment}))
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = f"nothing after {seconds} s"
        process.kill()
        assert code == 0, f"{process.output()}\nexit code {code}"
        assert "Sanitizer" not in process.output() and "runtime error: " not in process.output(), process.output()
        return process.output()
