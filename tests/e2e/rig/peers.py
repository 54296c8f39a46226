# SPDX-License-Identifier: Apache-2.0
"""Other implementations of TUF, and `pintle-tuf`, each behind the command line of tests/peers/README.md."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from .programs import ROOT, binary, clean_environment, no_sanitizer_report

BUILT = ROOT / "build" / "peers"
SOURCES = ROOT / "tests" / "peers"
PEERS = ("python-tuf", "tuf-js", "go-tuf")


def command_of(name):
    """How it is called, and what its environment needs; skips the test if it is not there."""
    if name == "pintle-tuf":
        return [binary("pintle-tuf")], {}
    if name == "python-tuf":
        return [sys.executable, SOURCES / "python" / "peer.py"], {}
    if name == "go-tuf":
        if not (BUILT / "go-tuf").exists():
            pytest.skip("go-tuf is not built: tools/setup.sh test builds it where go 1.25 or later is installed")
        return [BUILT / "go-tuf"], {}
    if not (BUILT / "js" / ".made-from").exists() or not shutil.which("node"):
        pytest.skip("tuf-js is not installed: tools/setup.sh test installs it with npm")
    return ["node", SOURCES / "js" / "peer.js"], {"NODE_PATH": str(BUILT / "js" / "node_modules")}


class PeerError(Exception):
    """It refused; the message is what it said."""


class Peer:
    """One of PEERS, or "pintle-tuf"."""

    def __init__(self, name):
        self.name = name
        self.command, self.environment = command_of(name)

    def run(self, *words):
        done = subprocess.run([*map(str, self.command), *map(str, words)], capture_output=True, text=True, timeout=60,
                              env={**clean_environment(), **self.environment}, cwd=os.sep, check=False)
        no_sanitizer_report(done)
        if done.returncode != 0:
            raise PeerError(f"{self.name} {words[-1]}: exit code {done.returncode}: {done.stderr}")
        return done.stdout

    def make(self, plan, directory):
        """The stages of a plan, as directories 1 and 2."""
        directory.mkdir(parents=True)
        (directory / "plan.json").write_text(json.dumps(plan))
        self.run("make", directory / "plan.json", directory)
        return directory


class Client:
    """A peer with directories of its own, that trusts a root."""

    def __init__(self, name, directory, root=None):
        self.peer, self.directory = Peer(name), directory
        if root:
            (directory / "metadata").mkdir(parents=True)
            (directory / "metadata" / "root.json").write_bytes(root)

    def copy(self, directory):
        """Another one, with what this one holds now."""
        shutil.copytree(self.directory, directory)
        return Client(self.peer.name, directory)

    def download(self, url, *names):
        """A refresh, then the bytes of the targets."""
        shutil.rmtree(self.directory / "targets", ignore_errors=True)
        self.peer.run("--metadata-dir", self.directory / "metadata", "--metadata-url", f"{url}/metadata/",
                      "--target-dir", self.directory / "targets", "--target-base-url", f"{url}/targets/",
                      *(word for name in names for word in ("--target-name", name)), "download")
        return [(self.directory / "targets" / name.replace("/", "%2F")).read_bytes() for name in names]
