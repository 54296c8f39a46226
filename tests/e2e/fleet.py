# SPDX-License-Identifier: Apache-2.0
"""A fleet of real clients (tests/bench/fleet.c) over a real pintled that is lost and comes back, or publishes anew.

Time among the clients is simulated, so that hours pass in seconds and the machine's speed changes nothing; what pintled
does, and the sending of reports, is real.
"""

import collections
import contextlib
import signal
import sqlite3
import subprocess

from pki import Workshop, new_key
from rig.process import free_port
from rig.programs import Pintled, Repository, binary, clean_environment

HOST = "api.example.test"
INTERVAL = 3600  # what clients poll at by default, in seconds


Poll = collections.namedtuple("Poll", "client second ok version")


def zone_version(words):
    """Of the zone "main", in "charter=1,main=2;...": what a client says it holds; 0 if nothing."""
    held = words[0].split(";")[0].split(",") if words else []
    return int(next((word.removeprefix("main=") for word in held if word.startswith("main=")), 0))


class Fleet:
    """Some clients; .polls: all that they made, .stored: ids of reports acknowledged, .shed: HTTP status of each
    sending of reports that was not (0: no answer)."""

    def __init__(self, url, roots, count):
        self.process = subprocess.Popen([binary("pintle").parents[1] / "tests" / "bench_fleet", url, roots, HOST, str(count)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean_environment())
        self.count, self.polls, self.stored, self.shed = count, [], set(), []
        self.answer()

    def answer(self, until="end"):
        """Reads until a row of this kind; its words."""
        for row in self.process.stdout:
            kind, *words = row.split()
            if kind == "end":
                return words
            if kind == "poll":
                self.polls.append(Poll(int(words[0]), int(words[1]) / 1000, words[2] == "ok", zone_version(words[3:])))
            elif kind == "stored":
                self.stored.add(words[0])
            else:
                self.shed.append(int(words[0]))
            if kind == until:
                return words
        raise AssertionError(f"bench_fleet ended with {self.process.wait()}")

    def order(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def do(self, text):
        self.order(text)
        return self.answer()

    def play(self, seconds):
        """The polls of this time."""
        before = len(self.polls)
        self.do(f"play {seconds}")
        return self.polls[before:]

    def send(self, meanwhile=lambda: None):
        """Everybody who has reports sends them at once; how many still wait after that."""
        self.order(f"send {self.count}")
        meanwhile()
        return int(self.answer()[0])

    def stop(self):
        self.process.stdin.close()
        return self.process.wait(60)


class Served:
    """A repository with one pinned host, and pintled on a port that it keeps."""

    def __init__(self, directory):
        self.repository = Repository(directory / "pins", "--name", "fleet")
        self.workshop = Workshop(directory / "pki")
        self.port, self.data = free_port(), directory / "data"
        self.repository.pin(HOST, self.workshop.key_file(new_key()))
        self.repository.run("charter", "set", "--report-url", f"{self.url}/v1/reports")
        self.repository.publish()
        self.server = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self):
        return self.server.process.pid

    def start(self):
        self.server = Pintled(self.repository.directory, self.data, "--listen", f"127.0.0.1:{self.port}")

    def kill(self):
        """Without a word."""
        self.server.process.stop(signal.SIGKILL)

    def publish(self):
        """A next key for the host; pintled serves it at once."""
        self.repository.run("pin", "add", HOST, "--key", self.workshop.key_file(new_key()))
        self.repository.publish()

    def stop(self):
        if self.server is not None:
            self.server.stop()


def per_second(polls, begin, end):
    return sum(begin <= poll.second < end for poll in polls) / (end - begin)


def arrivals(polls, since):
    """When each client first held more than anybody did until `since`, in seconds after it, in order."""
    old = max(poll.version for poll in polls if poll.second <= since)
    first = {}
    for poll in polls:
        if poll.version > old:
            first.setdefault(poll.client, poll.second - since)
    return sorted(first.values())


class Outage:
    """The server is lost for so long, in which something is published, and comes back.  Polls a second: .settled, .lost
    (in the second half of the outage), .first (a sixtieth of an interval after it), .later (the second interval after
    it)."""

    def __init__(self, served, fleet, seconds):
        begin, end = 2 * INTERVAL, 2 * INTERVAL + seconds
        served.start()
        fleet.play(begin)
        served.kill()
        fleet.play(seconds)
        served.publish()
        served.start()
        self.failed = sum(not poll.ok for poll in fleet.play(2 * INTERVAL))
        self.settled = per_second(fleet.polls, begin - INTERVAL, begin)
        self.lost = per_second(fleet.polls, (begin + end) / 2, end)
        self.first = per_second(fleet.polls, end, end + INTERVAL / 60)
        self.later = per_second(fleet.polls, end + INTERVAL, end + 2 * INTERVAL)
        self.arrivals = arrivals(fleet.polls, end)
        self.extra, self.formula = self.first - self.settled, fleet.count / INTERVAL * seconds / INTERVAL


def crash(served, fleet):
    """All have a report to send, at the same moment, and the server is killed in the middle of it."""
    def kill():
        fleet.answer(until="stored")
        served.kill()

    fleet.do("refuse 1")
    fleet.send(kill)
    served.start()


def stall(served, fleet):
    """The same, while nothing can be written for as long as the server takes more than it sends away."""
    fleet.do("refuse 2")
    database = sqlite3.connect(served.data / "pintled.db", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    fleet.send(lambda: (fleet.answer(until="shed"), database.execute("ROLLBACK")))
    database.close()


class Herd:
    """What came of a crash or a stall: .refused: answers by status (0: none), .rounds: until nobody had a report left,
    .missing: ids that were acknowledged and are not kept, .kept: how many are."""

    def __init__(self, served, fleet, disturb):
        shed = len(fleet.shed)
        disturb(served, fleet)
        self.refused = collections.Counter(fleet.shed[shed:])
        self.rounds = next(count for count in range(1, 100) if fleet.send() == 0)
        ids = [report["id"] for report in served.server.reports()]
        self.missing, self.kept, self.twice = fleet.stored - set(ids), len(ids), len(ids) - len(set(ids))


def publish(served, fleet):
    """Something is published to a fleet that has settled for three intervals: see arrivals()."""
    served.publish()
    fleet.play(2 * INTERVAL)
    return arrivals(fleet.polls, 3 * INTERVAL)


@contextlib.contextmanager
def playing(directory, count):
    """A server that does not run yet, and a fleet of it."""
    directory.mkdir()
    served = Served(directory)
    fleet = Fleet(served.url, served.repository.roots, count)
    try:
        yield served, fleet
    finally:
        fleet.stop()
        served.stop()
