# SPDX-License-Identifier: Apache-2.0
"""pintled while its database or its disk fails: it says what and what to do, acknowledges nothing that is not stored,
goes on serving the manifest, and is itself again once the fault is over."""

import contextlib
import fcntl
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

from rig.clock import JumpingClock, clock
from rig.disk import Disk
from rig.process import LOOPBACK, wait_for
from rig.programs import Repository, binary, clean_environment, pintle
from test_adoption import FLUSH, poll, rows
from test_pintled import report


@pytest.fixture
def disk(tmp_path):
    """disk(name, size) mounts a small file system."""
    mounted = []

    def mount(name, size):
        mounted.append(Disk(tmp_path / name, size))
        return mounted[-1]

    yield mount
    for each in mounted:
        each.close()


def numbered(number, **changes):
    return report(id=f"report-{number:016d}", **changes)


def stored(server):
    return {entry["id"] for entry in server.reports()}


def on_disk(server):
    """The reports that the database of a server that has ended holds."""
    with contextlib.closing(sqlite3.connect(server.data / "pintled.db")) as database:
        return {json.loads(document)["id"] for (document,) in database.execute("SELECT document FROM report")}


def refuses(repository, data, *words):
    """A start that must fail; what it says, in one line."""
    done = subprocess.run([binary("pintled"), "--repo", repository.directory, "--data", data, "--listen",
                           f"{LOOPBACK}:0", *words], capture_output=True, text=True, check=False, timeout=20,
                          env=clean_environment())
    said = [line for line in done.stderr.splitlines() if line.startswith("pintled: ") and "signer: process" not in line]
    assert (done.returncode, len(said)) == (1, 1), done
    return said[0]


def deferred(server, body):
    """The report is not acknowledged, and the client is told to come again."""
    status, headers, answer = server.post_report(body)
    assert status == 503, (status, answer)
    assert int(headers["retry-after"]) > 0
    assert json.loads(answer)["error"]


def still_serves(server, repository):
    for path in ("/head/1", "/metadata/timestamp.json"):
        status, _, body = server.get(path)
        assert (status, body) == (200, (repository.public / path[1:]).read_bytes()), path


class TestDatabaseAtTheStart:
    @pytest.fixture
    def data(self, repository, pintled):
        """The data directory of a server that took some reports and ended."""
        server = pintled(repository)
        for number in range(40):
            assert server.post_report(numbered(number))[0] == 202
        assert server.stop() == 0
        return server.data

    @pytest.mark.parametrize("damage", ["header", "text", "truncated"])
    def test_damaged(self, repository, data, damage):
        file = data / "pintled.db"
        content = file.read_bytes()
        file.write_bytes({"header": b"\0" * 100 + content[100:], "text": b"this is not a database\n" * 100,
                          "truncated": content[:len(content) // 2]}[damage])
        said = refuses(repository, data)
        assert str(file) in said
        assert "stop pintled, then restore it from a backup, or move it away to start with an empty one" in said
        file.rename(data / "damaged")
        for left in data.glob("pintled.db-*"):
            left.unlink()

    def test_of_a_newer_version(self, repository, data):
        with contextlib.closing(sqlite3.connect(data / "pintled.db")) as database:
            database.execute("PRAGMA user_version=99")
        assert "schema version 99, this pintled knows up to" in refuses(repository, data)

    def test_of_another_program(self, repository, data):
        (data / "pintled.db").unlink()
        with contextlib.closing(sqlite3.connect(data / "pintled.db")) as database:
            database.execute("CREATE TABLE notes (text)")
        assert "another program" in refuses(repository, data)

    def test_locked(self, repository, data):
        database = sqlite3.connect(data / "pintled.db", isolation_level=None)
        database.execute("PRAGMA locking_mode=EXCLUSIVE")
        database.execute("BEGIN EXCLUSIVE")
        said = refuses(repository, data)
        assert "another process holds it" in said and str(data / "pintled.db") in said
        database.close()

    def test_emptied(self, repository, pintled, data):
        (data / "pintled.db").write_bytes(b"")
        server = pintled(repository, data=data)
        assert server.post_report(report())[0] == 202
        assert len(stored(server)) == 1

    def test_read_only(self, disk, repository, pintled):
        small = disk("data", 4 << 20)
        server = pintled(repository, data=small.directory / "data")
        assert server.post_report(report())[0] == 202
        server.stop()
        small.read_only()
        said = refuses(repository, server.data)
        assert str(server.data) in said
        assert "read-only" in said.lower()
        small.read_only(False)
        assert len(stored(pintled(repository, data=server.data))) == 1

    def test_full_disk(self, disk, repository, pintled):
        small = disk("data", 256 << 10)
        small.fill()
        said = refuses(repository, small.directory / "data")
        assert str(small.directory / "data") in said
        small.drain()
        assert pintled(repository, data=small.directory / "data").post_report(report())[0] == 202


class TestDatabaseWhileItRuns:
    def test_locked(self, repository, pintled):
        server = pintled(repository)
        assert server.post_report(numbered(1))[0] == 202
        other = sqlite3.connect(server.data / "pintled.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        deferred(server, numbered(2))
        still_serves(server, repository)
        assert "another process holds it" in server.process.output()
        status, _, body = server.get("/healthz")
        assert (status, json.loads(body)["storage"]) == (200, "down")
        other.execute("ROLLBACK")
        assert server.post_report(numbered(3))[0] == 202
        assert "they can be stored again" in server.process.output()
        assert json.loads(server.get("/healthz")[2])["storage"] == "up"
        assert stored(server) == {f"report-{number:016d}" for number in (1, 3)}

    def test_a_page_in_the_middle_is_damaged(self, repository, pintled):
        server = pintled(repository)
        for number in range(60):
            assert server.post_report(numbered(number))[0] == 202
        token = server.token
        server.stop()
        file = server.data / "pintled.db"
        backup = shutil.copy(file, server.data.parent / "backup.db")
        content = bytearray(file.read_bytes())
        with contextlib.closing(sqlite3.connect(backup)) as copy:
            size = copy.execute("PRAGMA page_size").fetchone()[0]
            roots = [root for (root,) in copy.execute("SELECT rootpage FROM sqlite_schema WHERE rootpage > 1")]
        for root in roots:  # of every table and index, but not the pages of the schema
            content[(root - 1) * size:root * size] = b"\xa5" * size
        file.write_bytes(content)
        server = pintled(repository, data=server.data)
        deferred(server, numbered(100))
        still_serves(server, repository)
        assert "malformed" in server.process.output() and str(file) in server.process.output()
        assert "stop pintled, then restore it from a backup" in server.process.output()
        assert server.api("/v1/reports", token=token)[0] == 503
        server.stop()
        shutil.copy(backup, file)
        server = pintled(repository, data=server.data)
        assert server.post_report(numbered(100))[0] == 202
        assert len(stored(server)) == 61

    def test_removed_under_it(self, repository, pintled):
        server = pintled(repository)
        assert server.post_report(numbered(1))[0] == 202
        for file in server.data.glob("pintled.db*"):
            file.unlink()
        deferred(server, numbered(2))
        assert "was removed or replaced" in server.process.output()
        still_serves(server, repository)
        server.stop()
        assert pintled(repository, data=server.data).post_report(numbered(2))[0] == 202

    def test_full_disk(self, disk, repository, pintled):
        small = disk("disk", 1 << 20)
        server = pintled(repository, data=small.directory / "data")
        acknowledged = set()

        def send(numbers):
            for number in numbers:
                status = server.post_report(numbered(number, reason="mismatch"))[0]
                assert status in (202, 503), status
                if status == 202:
                    acknowledged.add(f"report-{number:016d}")

        send(range(20))
        small.fill(leave=64 << 10)
        send(range(20, 400))
        assert 20 <= len(acknowledged) < 400
        deferred(server, numbered(1000))
        still_serves(server, repository)
        assert "make room on its disk" in server.process.output()
        server.process.kill()  # what was acknowledged is on the disk, full as it is
        small.drain()
        server = pintled(repository, data=server.data)
        assert on_disk(server) == acknowledged
        assert sum(cell["reports"] for cell in server.cells()) == len(acknowledged)

    def test_a_disk_that_has_room_again(self, disk, repository, pintled):
        small = disk("disk", 1 << 20)
        server = pintled(repository, data=small.directory / "data")
        assert server.post_report(numbered(0))[0] == 202
        small.fill()
        for number in range(1, 60):
            if server.post_report(numbered(number))[0] == 503:
                break
        deferred(server, numbered(60))
        small.drain()
        assert server.post_report(numbered(61))[0] == 202
        assert "they can be stored again" in server.process.output()


    def test_what_is_counted_of_polls_waits(self, repository, pintled):
        server = pintled(repository, *FLUSH)
        other = sqlite3.connect(server.data / "pintled.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        poll(server, "charter=1;d=1")
        wait_for("the failure to be told", lambda: "adoption: what was counted cannot be stored" in server.process.output(),
                 explain=server.process.output)
        poll(server, "charter=1")
        other.execute("ROLLBACK")
        other.close()
        wait_for("it to be over", lambda: "adoption: stored again" in server.process.output(), explain=server.process.output)
        assert server.stop() == 0
        assert rows(server) == {("", "poll", "", 1, "other", "", "other"): (2, 1, 0)}


class TestRepositoryWhileItRuns:
    def test_full_disk_stops_no_service_and_renewal_comes_later(self, disk, pintled):
        small = disk("disk", 1 << 20)
        repository = Repository(small.directory / "pins", env=clock("-60h"))
        before = repository.timestamp()["signed"]
        small.fill()
        server = pintled(repository, "--resign-every", "1", keep=False)
        wait_for("the failure to be told", lambda: "No space left on device" in server.process.output(),
                 explain=server.process.output)
        still_serves(server, repository)
        assert repository.timestamp()["signed"] == before
        assert json.loads(server.get("/healthz")[2])["repositories"][0]["resigning"] == "failing"
        small.drain()
        wait_for("the renewal", lambda: repository.timestamp()["signed"]["version"] > before["version"],
                 explain=server.process.output)
        wait_for("health", lambda: json.loads(server.get("/healthz")[2])["status"] == "ok")
        assert pintle("verify", repository.directory).returncode == 0

    def test_read_only_disk_is_served(self, disk, pintled):
        small = disk("disk", 1 << 20)
        repository = Repository(small.directory / "pins", env=clock("-60h"))
        small.read_only()
        server = pintled(repository, "--resign-every", "1")
        wait_for("the failure to be told", lambda: "Read-only file system" in server.process.output(),
                 explain=server.process.output)
        still_serves(server, repository)
        small.read_only(False)
        wait_for("the renewal", lambda: repository.timestamp()["signed"]["version"] > 1, explain=server.process.output)

    def test_a_publisher_that_holds_the_lock_stops_no_service(self, tmp_path, pintled):
        repository = Repository(tmp_path / "pins", env=clock("-60h"))
        with open(repository.directory / "lock", "a", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            server = pintled(repository, "--resign-every", "1")
            still_serves(server, repository)
            assert json.loads(server.get("/healthz")[2])["status"] == "ok"
            wait_for("the wait to be told", lambda: "another process has held" in server.process.output(),
                     explain=server.process.output)
            still_serves(server, repository)
        wait_for("the renewal", lambda: repository.timestamp()["signed"]["version"] > 1, explain=server.process.output)
        assert server.stop() == 0


class TestClockWhileItRuns:
    HOUR = 3600

    def test_it_jumps(self, tmp_path, pintled):
        """Forward by most of a timestamp's life, back to before the server was started, and forward again."""
        repository, wall = Repository(tmp_path / "pins"), JumpingClock(tmp_path)
        server = pintled(repository, "--resign-every", "1", env=wall.env)

        def renewed(version):
            wait_for("the renewal, to the last file", explain=server.process.output,
                     condition=lambda: f"re-signed: timestamp version {version}" in server.process.output())

        for number, hours in enumerate((0, 60, -30, 0)):
            wall.jump(hours * self.HOUR)
            if hours > 0:
                renewed(2)
            assert server.post_report(numbered(number))[0] == 202
            assert server.post_report(numbered(1))[0] == 202  # the same, in another minute of the server's
            still_serves(server, repository)
            assert json.loads(server.get("/healthz")[2])["status"] == "ok"
        token = server.token
        assert stored(server) == {f"report-{number:016d}" for number in range(4)}
        assert sum(cell["reports"] for cell in server.cells("&since=2020-01-01T00:00:00Z&until=2100-01-01T00:00:00Z")) == 4
        assert repository.timestamp()["signed"]["version"] == 2  # behind its time of issue nothing is signed
        wall.jump(100 * self.HOUR)
        renewed(3)
        assert pintle("verify", repository.directory, env=wall.env).returncode == 0
        assert server.api("/v1/journal", token=token)[0] == 200
        assert server.stop() == 0


LONG = "PINTLE_LONG" in os.environ


class TestKilled:
    def test_in_the_middle_of_intake(self, repository, pintled, tmp_path):
        acknowledged = set()
        for turn in range(40 if LONG else 3):
            server = pintled(repository)
            stop = threading.Event()

            def send(sender, turn=turn, server=server, stop=stop):
                count = 0
                while not stop.is_set():
                    count += 1
                    name = f"turn-{turn:04d}-{sender}-{count:08d}"
                    try:
                        if server.post_report(report(id=name))[0] == 202:
                            acknowledged.add(name)
                    except Exception:  # pylint: disable=broad-except
                        pass

            senders = [threading.Thread(target=send, args=(number,)) for number in range(4)]
            before = len(acknowledged)
            for sender in senders:
                sender.start()
            wait_for("some reports", lambda before=before: len(acknowledged) > before + 20)
            server.process.send(signal.SIGKILL)
            server.process.wait()
            stop.set()
            for sender in senders:
                sender.join()
            assert acknowledged <= on_disk(server)

    def test_in_the_middle_of_signing(self, tmp_path, pintled):
        """Each start comes 40 hours later, so that each renews; and is killed somewhere on the way."""
        repository = Repository(tmp_path / "pins", env=clock("-400d"))
        seen, turns = {}, 150 if LONG else 8
        for turn in range(1, turns + 1):
            later = clock(f"{-400 * 24 + 40 * turn}h")
            server = pintled(repository, "--resign-every", "1", env=later)
            time.sleep(random.uniform(0, 0.03))
            server.process.send(signal.SIGKILL)
            server.process.wait()
            for path in (repository.public / "metadata").glob("*.json"):
                version = json.loads(path.read_text())["signed"]["version"]
                name = path.name if path.name[0].isdigit() else f"{version}.{path.name}"
                assert seen.setdefault(name, path.read_bytes()) == path.read_bytes(), name
            verified = pintle("verify", repository.directory, env=later)
            if verified.returncode:  # heads may lag behind until the next writer
                repository.run("publish", env=later)
                assert pintle("verify", repository.directory, env=later).returncode == 0, verified.all
        assert repository.timestamp()["signed"]["version"] > turns // 2

    def test_publishers_beside_it(self, tmp_path, pintled, backend, install, host):
        """Each round a host is staged and a publisher killed, beside a pintled that renews; clients never look back."""
        repository = Repository(tmp_path / "pins")
        site = backend.serve(host)
        repository.pin(host, site.key)
        repository.publish()
        client = install(repository, backend.nginx.serve_directory(repository.public))
        for turn in range(1, 50 if LONG else 4):  # 90 days later the zone would have expired
            later = clock(f"+{40 * turn}h")
            server = pintled(repository, "--resign-every", "1", env=later)
            repository.run("host", "add", f"h{turn}.example.test", "--mode", "report", env=later)
            publisher = subprocess.Popen([binary("pintle"), "publish", "--repo", repository.directory],
                                         env=clean_environment(later), stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL)
            time.sleep(random.uniform(0, 0.1))
            publisher.kill()
            publisher.wait()
            server.process.send(random.choice((signal.SIGKILL, signal.SIGTERM)))
            server.process.wait()
            seen = client.verdict(host, connect=site.address, env=later)
            assert (seen["verdict"], seen["freshness"]) == ("accept", "fresh"), seen
            repository.run("publish", env=later)
            assert client.verdict(host, connect=site.address, env=later)["charter_version"] == turn + 2
            assert pintle("verify", repository.directory, env=later).returncode == 0
