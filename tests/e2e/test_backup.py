# SPDX-License-Identifier: Apache-2.0
"""Backups made while the server runs, and what comes back when one is restored."""

import json
import os
import resource
import shutil
import sqlite3
import subprocess
import threading

import pytest

from rig.clock import clock
from rig.process import LOOPBACK, wait_for
from rig.programs import Repository, binary, clean_environment, pintle
from test_pintled import report
from thief import read_container


def command(*words, env=None, **options):
    return subprocess.run([binary("pintled"), *map(str, words)], check=False, capture_output=True, text=True,
                          env=clean_environment(env), timeout=60, **options)


def backup(server, target, **options):
    return command("backup", "--data", server.data, target, **options)


def restore(repository, data, file, *words, **options):
    return command("restore", "--repo", repository.directory, "--data", data, file, *words, **options)


def rows(database, sql):
    """Read as what it is, a file that nobody has open."""
    connection = sqlite3.connect(f"file:{database}?immutable=1", uri=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def served_version(server):
    """What a client that polls now gets; the head is written last."""
    return json.loads(read_container(server.get("/head/1")[2])["timestamp.json"])["signed"]["version"]


@pytest.fixture
def kept(repository, pintled, tmp_path):
    """A server that was stopped, with a report, and a backup of it."""
    server = pintled(repository)
    assert server.post_report(report())[0] == 202
    assert backup(server, tmp_path / "kept.db").returncode == 0
    assert server.stop() == 0
    return tmp_path / "kept.db"


class TestBackup:
    def test_one_moment_whole_while_reports_come_in(self, repository, pintled, tmp_path):
        server = pintled(repository)
        acknowledged, stop = [0], threading.Event()

        def send():
            while not stop.is_set():
                assert server.post_report(report(id=f"{acknowledged[0]:016x}"))[0] == 202
                acknowledged[0] += 1

        sender = threading.Thread(target=send)
        sender.start()
        try:
            for number in range(3):
                wait_for("reports", lambda: acknowledged[0] > 20 * number)
                before = acknowledged[0]
                done = backup(server, tmp_path / f"{number}.db")
                after = acknowledged[0] + 1  # one may be stored and not acknowledged yet
                assert (done.returncode, done.stdout) == (0, f"{tmp_path}/{number}.db\n"), done.stderr
                found = [number for number, in rows(tmp_path / f"{number}.db", "SELECT seq FROM report ORDER BY seq")]
                assert found == list(range(1, len(found) + 1)) and before <= len(found) <= after
        finally:
            stop.set()
            sender.join()
        assert rows(tmp_path / "2.db", "PRAGMA integrity_check") == [("ok",)]
        assert [event for event, in rows(tmp_path / "2.db", "SELECT event FROM journal WHERE event LIKE 'backup%'")] \
            == 3 * ["backup.started"]
        assert (tmp_path / "2.db").stat().st_mode & 0o777 == 0o600
        assert sorted(path.name for path in tmp_path.glob("*.db*")) == ["0.db", "1.db", "2.db"]

    def test_into_a_directory_it_is_named_after_the_time(self, repository, pintled, tmp_path):
        (tmp_path / "backups").mkdir()
        done = backup(pintled(repository), tmp_path / "backups")
        assert done.returncode == 0, done.stderr
        [path] = (tmp_path / "backups").iterdir()
        assert done.stdout == f"{path}\n"
        assert path.match("pintled-20[0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z.db")

    def test_nothing_is_overwritten_and_nothing_half_done_stays(self, repository, pintled, tmp_path):
        server = pintled(repository)
        (tmp_path / "mine").write_text("x")
        done = backup(server, tmp_path / "mine")
        assert done.returncode == 1 and "exists already" in done.stderr
        assert (tmp_path / "mine").read_text() == "x"
        (tmp_path / "backups").mkdir()
        done = command("backup", "--data", tmp_path / "backups", tmp_path / "c.db")
        assert done.returncode == 1 and "expected a database" in done.stderr
        assert not (tmp_path / "c.db").exists()
        assert server.stop() == 0  # its log is gone: there is room for a line of the journal, and not for a copy
        done = backup(server, tmp_path / "backups" / "b.db",
                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40000, 40000)))
        assert done.returncode == 1 and "b.db" in done.stderr, done.stderr
        assert list((tmp_path / "backups").iterdir()) == []


class TestRestore:
    def test_old_versions_are_never_signed_again(self, pintled, install, host, tmp_path):
        """Everything is lost but a backup and a copy of the public files, both older than what clients hold."""
        repository = Repository(tmp_path / "aged", env=clock("-60h"))  # its timestamp is due
        (tmp_path / "empty").mkdir()
        server = pintled(repository, "--keys", tmp_path / "empty")  # signs nothing
        old_public = repository.copy_public(tmp_path / "old-public")
        assert backup(server, tmp_path / "old.db").returncode == 0
        assert server.stop() == 0
        first = repository.timestamp()["signed"]["version"]

        server = pintled(repository)
        wait_for("a new timestamp", lambda: served_version(server) > first, explain=server.process.output)
        for _ in range(4):
            repository.run("resign", "--always")
        held = repository.timestamp()["signed"]
        client = install(repository, server.url)
        client.check(host, connect=f"{LOOPBACK}:1")
        assert json.loads(read_container(client.accepted())["timestamp.json"])["signed"] == held
        listen = f"{LOOPBACK}:{server.port}"
        assert server.stop() == 0

        shutil.rmtree(server.data)
        shutil.rmtree(repository.public)
        shutil.copytree(old_public, repository.public)
        done = restore(repository, server.data, tmp_path / "old.db")
        assert done.returncode == 0, done.stderr
        server = pintled(repository, "--listen", listen)
        wait_for("a new timestamp", lambda: served_version(server) > first, explain=server.process.output)
        signed = repository.timestamp()["signed"]
        assert signed["version"] > held["version"]
        client.check(host, connect=f"{LOOPBACK}:1")
        assert json.loads(read_container(client.accepted())["timestamp.json"])["signed"] == signed
        assert pintle("verify", repository.directory).returncode == 0

    def test_what_was_kept_comes_back(self, repository, pintled, kept, tmp_path):
        data = tmp_path / "second"
        assert restore(repository, data, kept).returncode == 0
        assert sorted(path.name for path in data.iterdir()) == ["lock", "pintled.db"]
        before = repository.timestamp()["signed"]["version"]
        server = pintled(repository, data=data)
        assert rows(data / "pintled.db", "SELECT id FROM report") == [(json.loads(report())["id"],)]
        assert [event for event, in rows(data / "pintled.db", "SELECT event FROM journal ORDER BY seq")][:3] \
            == ["publication.seen", "backup.started", "backup.restored"]
        wait_for("a version beyond", lambda: served_version(server) > before + 1000, explain=server.process.output)
        assert server.post_report(report())[0] == 202  # the same: it is known
        assert server.stop() == 0

    def test_not_under_a_running_server(self, repository, pintled, kept, tmp_path):
        server = pintled(repository, data=tmp_path / "running")
        done = restore(repository, server.data, kept, "--force")
        assert done.returncode == 1 and "in use by another pintled" in done.stderr
        assert server.post_report(report(id=f"{1:016x}"))[0] == 202

    def test_not_over_data_unless_told_to(self, repository, pintled, kept, tmp_path):
        data = tmp_path / "second"
        assert restore(repository, data, kept).returncode == 0
        before = (data / "pintled.db").read_bytes()
        done = restore(repository, data, kept)
        assert done.returncode == 1 and "--force" in done.stderr
        assert (data / "pintled.db").read_bytes() == before
        (data / "pintled.db").write_bytes(b"damaged" * 1000)
        (data / "pintled.db-wal").write_bytes(b"damaged log")
        assert restore(repository, data, kept, "--force").returncode == 0
        assert rows(data / "pintled.db", "PRAGMA integrity_check") == [("ok",)]
        assert (data / "pintled.db.replaced").read_bytes() == b"damaged" * 1000
        assert (data / "pintled.db.replaced-wal").read_bytes() == b"damaged log"
        assert pintled(repository, data=data).get("/head/1")[0] == 200

    @pytest.mark.parametrize("spoil, says", [
        (lambda file: file.write_bytes(file.read_bytes()[:-4096]), ""),
        (lambda file: file.write_bytes(b""), "expected a backup"),
        (lambda file: file.unlink(), "expected a backup"),
        (lambda file: file.write_bytes(b"x" * 4096), "not a database"),
        (lambda file: alter(file, "PRAGMA user_version=999"), "schema version 999"),
        (lambda file: alter(file, "PRAGMA application_id=1"), "another program")])
    def test_damaged(self, repository, kept, tmp_path, spoil, says):
        spoil(kept)
        done = restore(repository, tmp_path / "second", kept)
        assert done.returncode == 1 and says in done.stderr, done.stderr
        assert not (tmp_path / "second" / "pintled.db").exists()

    def test_the_repository_comes_first(self, repository, kept, tmp_path):
        os.rename(repository.public, tmp_path / "away")
        done = restore(repository, tmp_path / "second", kept)
        assert done.returncode == 1 and "restore the repository first" in done.stderr
        assert [path.name for path in (tmp_path / "second").iterdir()] == ["lock"]


def alter(file, sql):
    connection = sqlite3.connect(file)
    connection.execute(sql)
    connection.commit()
    connection.close()
