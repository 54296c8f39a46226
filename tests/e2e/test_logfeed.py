# SPDX-License-Identifier: Apache-2.0
"""pintle logfeed: lines of access logs are counted once, whatever happens to logs, server and command."""

import datetime
import fcntl
import os
import re
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest

from rig.process import LOOPBACK, listens, wait_for
from rig.programs import binary, clean_environment, pintle, pintle_ok

PAGE = Path(__file__).resolve().parents[2] / "docs" / "man" / "pintle-logfeed.1.scd"
HEADER = "charter=1;app=shop/3;os=iOS/17"


def line(header=HEADER, address="192.0.2.1", agent="agent"):
    time = datetime.datetime.now(datetime.timezone.utc).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'{address} - - [{time}] "GET / HTTP/1.1" 200 5 "-" "{agent}" "{header}"\n'


class Feed:
    """A log, a server, and the command between them."""

    def __init__(self, server, directory):
        self.server, self.log, self.state = server, directory / "access.log", directory / "state"
        self.token = directory / "token"
        self.token.write_text(server.new_token("operator") + "\n")
        self.log.write_text("")

    def words(self, *words, path=None, server=None):
        return ["logfeed", path or self.log, "--state", self.state, "--server", server or self.server.admin, "--token-file",
                self.token, "--json", *words]

    def run(self, *words, **options):
        return pintle_ok(*self.words(*words, **options)).json

    def append(self, count, text=None):
        with self.log.open("a") as log:
            log.write((text or line()) * count)

    def hits(self):
        """What the server keeps of the charter's version 1."""
        with sqlite3.connect(self.server.data / "pintled.db") as database:
            return database.execute("SELECT coalesce(sum(hits), 0) FROM adoption WHERE source = 'log'").fetchone()[0]


@pytest.fixture
def feed(repository, pintled, tmp_path):
    server = pintled(repository)
    assert server.api("/v1/releases", "POST", {"app": "shop", "version": "3"})[0] == 201
    (tmp_path / "logs").mkdir()
    return Feed(server, tmp_path / "logs")


class TestRotation:
    def test_no_line_is_counted_twice_and_none_is_left_out(self, feed):
        log, expected = feed.log, 0

        def step(lines, *words):
            nonlocal expected
            expected += lines
            assert feed.run(*words)["lines"] == lines
            assert feed.hits() == expected

        step(0)
        feed.append(3)
        step(3)
        step(0)
        feed.append(2)
        feed.append(1, line()[:40])  # half a line
        step(2)
        with log.open("a") as rest:
            rest.write(line()[40:])
        step(1)
        feed.append(4)
        log.rename(log.with_suffix(".log.1"))  # renamed
        feed.append(5)
        step(9)
        with log.with_suffix(".log.1").open("a") as late:  # nginx has not reopened it yet
            late.write(line())
        feed.append(1)
        step(2)
        log.with_suffix(".log.1").rename(log.with_suffix(".log.2"))
        log.rename(log.with_suffix(".log.1"))
        feed.append(6, line(address="2001:db8::1"))
        step(6)
        feed.append(2)
        log.with_suffix(".log.copy").write_bytes(log.read_bytes())  # copied and truncated
        os.truncate(log, 0)
        feed.append(1, line(agent="other"))
        step(3)
        feed.append(400, line(agent="third"))
        step(400)

    def test_a_log_that_is_gone_is_told(self, feed):
        feed.append(3)
        assert feed.run()["lines"] == 3
        feed.append(2)
        feed.log.unlink()
        feed.append(1)
        done = pintle_ok(*feed.words())
        assert done.json["lines"] == 1 and "warning: the log that was read last" in done.stderr, done.all
        assert feed.hits() == 4

    def test_other_logs_beside_it_are_left_alone(self, feed):
        feed.log.with_suffix(".log.other").write_text(line() * 50)
        feed.append(3)
        assert feed.run()["lines"] == 3
        feed.log.rename(feed.log.with_suffix(".log.1"))
        feed.append(1, line(agent="new"))
        assert feed.run()["lines"] == 1
        assert feed.hits() == 4


class TestSending:
    @staticmethod
    def note(feed):
        """The state file as it is now; each one that replaces it is another file."""
        return feed.state.stat().st_mtime_ns if feed.state.exists() else 0

    def test_what_is_unsent_goes_once(self, feed):
        feed.append(5)
        away = pintle(*feed.words(server=f"http://{LOOPBACK}:1"))
        assert away.returncode == 69 and "check that pintled runs" in away.stderr, away.all
        unsent = feed.state.read_bytes()
        feed.append(2)
        done = feed.run()
        assert (done["lines"], done["counted"]) == (2, 7), done
        assert feed.hits() == 7
        feed.state.write_bytes(unsent)  # as after a crash between the server's answer and the note of it
        feed.run()
        assert feed.hits() == 9, "the batch was known; the lines after it had not been read, as far as this state knows"

    def test_a_kill_at_any_moment_loses_and_doubles_nothing(self, feed):
        lines = 12000  # of so many apps, so that they make many batches
        feed.log.write_text("".join(line(header=f"charter=1;app=app{number}") for number in range(lines)))
        killed = 0
        for _ in range(5):
            before = self.note(feed)
            process = subprocess.Popen([binary("pintle"), *map(str, feed.words("--per-source", "1000000"))],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean_environment())
            while process.poll() is None and self.note(feed) == before:
                pass  # until it has noted a step: then there are more to come
            process.kill()
            killed += process.wait() == -signal.SIGKILL
        feed.run("--per-source", "1000000")
        assert killed and feed.hits() == lines

    def test_what_the_server_refuses_is_told_without_the_token(self, feed):
        feed.append(1)
        feed.token.write_text(feed.server.new_token("reader"))
        done = pintle(*feed.words())
        assert done.returncode == 1 and "403" in done.stderr and feed.token.read_text() not in done.all, done.all
        feed.token.write_text("pintle_wrong")
        done = pintle(*feed.words())
        assert done.returncode == 1 and "401" in done.stderr and "pintle_wrong" not in done.all, done.all
        feed.token.unlink()
        words = [word for word in feed.words() if word not in ("--token-file", feed.token)]
        done = pintle(*words, env={"PINTLE_TOKEN": feed.server.new_token("operator")})
        assert done.returncode == 0 and feed.hits() == 1, done.all

    def test_two_runs_exclude_each_other(self, feed):
        feed.append(1)
        with feed.state.with_name("state.lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            second = pintle(*feed.words())
            assert second.returncode == 73 and "another logfeed may be running" in second.stderr, second.all
        assert feed.run()["lines"] == 1

    def test_a_stream_waits_for_its_end(self, feed):
        done = pintle_ok(*feed.words(path="-"), input=line() * 3 + line()[:-1])
        assert (done.json["lines"], feed.hits()) == (4, 4)


class TestLines:
    def test_hostile_lines_count_for_nothing(self, tmp_path):
        log = tmp_path / "log"
        with log.open("wb") as out:
            for text in (b"\0" * 5000, b"x" * 1_000_000, b'"' * 1000, b"{" * 100_000, b'{"a":' * 20000, b"\xff" * 300,
                         line(header="charter=1'; DROP TABLE adoption; --").encode()[:-1], b"[" * 4096, b"",
                         line(header="charter=1" + ",a=1" * 300).encode()[:-1], b"{\"http_pintle_manifest\":\"" + b"\\" * 999):
                out.write(text + b"\n")
            out.write(line().encode())
        done = pintle_ok("logfeed", log, "--dry-run", "--json").json
        assert (done["lines"], done["with_header"], done["forged"], done["malformed"]) == (12, 1, 2, 9)
        (row,) = done["rows"]
        assert (row["zone"], row["version"], row["app"], row["app_version"], row["os"], row["hits"]) == (
            None, 1, "shop", "3", "ios", 1)

    def test_what_a_dry_run_has_no_room_for_is_said(self, tmp_path):
        log = tmp_path / "access.log"
        zones = ",".join(f"z{number}=VERSION" for number in range(64))
        log.write_text("".join(line(f"charter=1,{zones}".replace("VERSION", str(number))) for number in range(1600)))
        done = pintle_ok("logfeed", log, "--dry-run")
        assert f"warning: {1600 * 64 + 1 - 100_000} versions found no room among 100000 rows" in done.stderr

    def test_one_network_counts_so_often(self, tmp_path):
        log = tmp_path / "log"
        log.write_text(line() * 10 + line(address="192.0.2.99") * 10 + line(address="192.0.3.1") * 2)
        done = pintle_ok("logfeed", log, "--dry-run", "--json", "--per-source", "5").json
        assert done["capped"] == 15 and done["rows"][0]["hits"] == 7, done

    def test_nginx_writes_what_is_read(self, backend, feed):
        """The formats are those of the manual page, word for word."""
        formats = "\n".join(re.findall(r"^```\n(log_format .*?)^```$", PAGE.read_text(), re.M | re.S))
        nginx, logs = backend.nginx, feed.log.parent
        port = nginx.unused_port()
        nginx.serve_block(port, f"{formats} server {{ listen {LOOPBACK}:{port}; access_log {feed.log} adoption; "
                                f"access_log {logs}/json.log adoption_json; return 204; }}")
        wait_for("nginx to listen", lambda: listens(port))

        def ask(header, agent="agent", path="/"):
            return subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"Pintle-Manifest: {header}",
                                   "-A", agent, "-u", "a b:c", f"http://{LOOPBACK}:{port}{path}"], capture_output=True,
                                  text=True, check=True, env=clean_environment()).stdout

        for _ in range(3):
            assert ask(HEADER + ";d=1") == "204"
        for hostile in ('"', "\\", "charter=1\"", '" "charter=1', "charter=1\t", "\x7f", "\u00e4", "charter=2"):
            ask(hostile, agent=f'" "{HEADER}" "')
        ask(HEADER, path="/body/" + "0" * 64)
        ask("")
        log = logs / "json.log"
        wait_for("nginx to write all", lambda: len(feed.log.read_text().splitlines()) == 13 and
                 len(log.read_text().splitlines()) == 13, explain=lambda: feed.log.read_text() + log.read_text())
        for path in (feed.log, log):
            done = pintle_ok("logfeed", path, "--dry-run", "--json").json
            assert (done["lines"], done["malformed"], done["without_header"], done["bodies"]) == (13, 0, 1, 1), done
            assert [(row["version"], row["app"], row["hits"], row["d"]) for row in done["rows"]] == [
                (1, "shop", 3, 3), (2, None, 1, 0)], done
        done = feed.run()
        assert (done["counted"], done["refused"]) == (3, 1), "version 2 is not published"
        feed.log.rename(feed.log.with_suffix(".log.1"))
        ask(HEADER)
        os.kill(nginx.process.pid, signal.SIGUSR1)
        wait_for("nginx to reopen its log", feed.log.exists)
        ask(HEADER)
        wait_for("nginx to write all", lambda: feed.log.read_text() and
                 len(feed.log.with_suffix(".log.1").read_text().splitlines()) == 14)
        assert feed.run()["lines"] == 2
        assert feed.hits() == 5
