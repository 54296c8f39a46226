# SPDX-License-Identifier: Apache-2.0
"""Processes that do not outlive their owner, ports that nobody has, and waiting for a condition."""

import os
import random
import shutil
import signal
import socket
import subprocess
import time

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.02


class RigError(Exception):
    """Something of the rig itself did not work; not a finding about what is tested."""


def wait_for(what, condition, seconds=15, explain=None):
    """Polls until condition() is true and returns its value; what, and explain(), say what was missing."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise RigError(f"waited {seconds} s for {what}" + (f"\n{explain()}" if explain else ""))
        time.sleep(POLL_SECONDS)


def free_port():
    """A port below the ephemeral range, so that no outgoing connection takes it between this call and its use."""
    while True:
        port = random.SystemRandom().randint(15000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
                return port
            except OSError:
                continue


class PortBlock:
    """Many ports at once, which no other rig takes meanwhile: a socket on the first keeps the block."""

    FIRST, END, SIZE = 10000, 15000, 125  # below those of free_port()

    def __init__(self):
        bases = list(range(self.FIRST, self.END, self.SIZE))
        random.SystemRandom().shuffle(bases)
        for base in bases:
            self.guard = socket.socket()
            try:
                self.guard.bind((LOOPBACK, base))
            except OSError:
                self.guard.close()
                continue
            self.left = list(range(base + 1, base + self.SIZE))
            return
        raise RigError("every block of ports is taken")

    def take(self):
        while True:
            port = self.left.pop()
            with socket.socket() as probe:
                try:
                    probe.bind((LOOPBACK, port))
                    return port
                except OSError:
                    continue

    def close(self):
        self.guard.close()


def listens(port):
    """Does somebody accept connections on the port of loopback?"""
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((LOOPBACK, port)) == 0


def program(name):
    """The path of a system program, also where a user's PATH has no sbin."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin")
    if not path:
        raise RigError(f"{name} is not installed; run tools/setup.sh test")
    return path


class Process:
    """One program in a session of its own, its output in a file, standard output perhaps in another.

    keep: it may outlive this process.
    """

    def __init__(self, argv, log, env=None, keep=False, stdout=None):
        self.log = log
        self.log.parent.mkdir(parents=True, exist_ok=True)
        argv = [str(word) for word in argv]
        if not keep:
            argv = [program("setpriv"), "--pdeathsig", "TERM", *argv]
        with open(log, "ab") as output, open(stdout or log, "ab") as answers:
            self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=answers, stderr=output, env=env,
                                          start_new_session=True)

    @property
    def pid(self):
        return self.popen.pid

    def ended(self):
        """How it ended, or None.  It stays a zombie until kill(), so that nobody else gets its number, or its group's."""
        if self.popen.returncode is not None:
            return self.popen.returncode
        state = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if state is None:
            return None
        return state.si_status if state.si_code == os.CLD_EXITED else -state.si_status

    def alive(self):
        return self.ended() is None

    def output(self):
        return self.log.read_text(errors="replace")

    def send(self, number):
        if self.alive():
            os.kill(self.pid, number)

    def wait(self, seconds=10):
        """The exit code, once it has ended."""
        end = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(self.popen.args, seconds)
            time.sleep(POLL_SECONDS)
        return self.ended()

    def stop(self, number=signal.SIGTERM, seconds=10):
        """Asks it to end, then ends whatever is left of its session; returns the exit code."""
        self.send(number)
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            self.kill()

    def kill(self):
        """Ends its session.  Once: later on the number may be somebody else's."""
        if self.popen.returncode is not None:
            return
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        self.popen.wait()
