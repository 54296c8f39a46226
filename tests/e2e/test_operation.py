# SPDX-License-Identifier: Apache-2.0
"""What operators do with the server: configuration, logs, its service manager."""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile

import pytest

from rig.process import LOOPBACK, wait_for
from rig.programs import ROOT, binary, clean_environment
from test_pintled import signer_of


@pytest.fixture
def manager():
    """The socket of a service manager, and heard(): what came, oldest first.  A socket's path is short."""
    directory = tempfile.mkdtemp(prefix="pintle-manager-")
    path = os.path.join(directory, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        listener.setblocking(False)
        said = []

        def heard():
            try:
                while True:
                    said.append(listener.recv(4096).decode())
            except BlockingIOError:
                return said

        heard.path = path
        yield heard
    shutil.rmtree(directory)


def logged(server):
    return [line for line in server.process.output().splitlines() if not line.startswith("pintled: ready")]


class TestServiceManager:
    def test_is_told_of_start_reload_and_end(self, repository, pintled, manager):
        server = pintled(repository, env={"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "30000000"})
        wait_for("READY", lambda: "READY=1" in manager())
        wait_for("the watchdog to be fed twice", lambda: manager().count("WATCHDOG=1") >= 2)
        assert "STATUS=serving, all is well" in manager()
        assert manager().index("READY=1") == 0
        os.kill(server.process.pid, signal.SIGHUP)
        wait_for("ready again", lambda: manager().count("READY=1") == 2)
        reloading = next(state for state in manager() if state.startswith("RELOADING=1\nMONOTONIC_USEC="))
        assert manager().index(reloading) < len(manager()) - 1 - manager()[::-1].index("READY=1")
        assert server.stop() == 0
        assert any(state.startswith("STOPPING=1") for state in manager())
        assert server.process.output().count("NOTIFY_SOCKET") == 0

    def test_is_not_told_of_what_does_not_start(self, tmp_path, manager):
        done = subprocess.run([binary("pintled"), "--repo", tmp_path, "--data", tmp_path / "data"], check=False,
                              env=clean_environment({"NOTIFY_SOCKET": manager.path}), capture_output=True)
        assert (done.returncode, manager()) == (1, [])

    def test_one_that_is_gone_stops_nothing(self, repository, pintled, tmp_path):
        server = pintled(repository, env={"NOTIFY_SOCKET": str(tmp_path / "gone")})
        assert server.get("/head/1")[0] == 200
        assert "the service manager cannot be reached" in server.process.output()


class TestLog:
    def test_json(self, repository, pintled, tmp_path):
        (tmp_path / 'a"b\\').mkdir()
        server = pintled(repository, "--log-format", "json", "--keys", tmp_path / 'a"b\\')
        assert server.stop() == 0
        lines = [json.loads(line) for line in logged(server)]
        assert all(set(line) == {"time", "level", "message"} for line in lines)
        assert any(line["level"] == "error" and 'a"b\\' in line["message"] for line in lines), lines
        assert lines[-1]["level"] == "info" and "SIGTERM" in lines[-1]["message"]

    def test_level(self, repository, pintled, tmp_path):
        (tmp_path / "empty").mkdir()
        server = pintled(repository, "--log-level", "error", "--keys", tmp_path / "empty")
        assert server.stop() == 0
        assert logged(server) and all(" error " in line for line in logged(server))

    def test_why_it_ends_is_json_too(self, tmp_path):
        done = subprocess.run([binary("pintled"), "--repo", tmp_path, "--data", tmp_path / "data", "--log-format", "json"],
                              check=False, capture_output=True, text=True)
        assert done.returncode == 1
        assert "is not a repository" in json.loads(done.stderr)["message"]


def confinement(process):
    with open(f"/proc/{process}/status", encoding="ascii") as status:
        return dict(re.findall(r"^(Seccomp|NoNewPrivs|Threads):\t(\d+)$", status.read(), re.M))


def test_both_processes_have_given_up_their_rights(repository, pintled):
    server = pintled(repository)
    for process in (server.process.pid, signer_of(server)):
        assert confinement(process)["Seccomp"] == "2" and confinement(process)["NoNewPrivs"] == "1"
    for thread in os.listdir(f"/proc/{server.process.pid}/task"):
        assert confinement(f"{server.process.pid}/task/{thread}")["Seccomp"] == "2"
    assert "not confined" not in server.process.output() and "not kept from" not in server.process.output()


class TestConfiguration:
    def test_file_and_command_line(self, repository, pintled, tmp_path):
        (tmp_path / "pintled.conf").write_text(f"# ours\nlisten = 192.0.2.1:80\nlog-format = json\nresign-every = 3600\n"
                                               f"admin = {LOOPBACK}:0\n")
        server = pintled(repository, "--config", tmp_path / "pintled.conf")  # listens on 127.0.0.1
        assert server.get("/head/1")[0] == 200
        assert server.url != server.admin
        assert server.stop() == 0
        assert all(line.startswith("{") for line in logged(server))


def check_config(*words):
    return subprocess.run([binary("pintled"), "--check-config", *map(str, words)], check=False, capture_output=True,
                          text=True, env=clean_environment())


def tree(directory):
    return {path: (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
            for path in directory.rglob("*")}


class TestCheckConfig:
    def test_in_order_and_nothing_is_touched(self, repository, tmp_path):
        (tmp_path / "pintled.conf").write_text(f"repo = {repository.directory}\ndata = {tmp_path}/new\n")
        before = tree(tmp_path)
        done = check_config("--config", tmp_path / "pintled.conf")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "pintled: the configuration is in order\n"
        assert tree(tmp_path) == before

    def test_beside_a_running_server_and_after_it(self, repository, pintled):
        server = pintled(repository)
        words = ["--repo", repository.directory, "--data", server.data, "--listen", f"{LOOPBACK}:{server.port}"]
        done = check_config(*words)
        assert (done.returncode, done.stderr) == (0, "")
        assert server.stop() == 0
        before = tree(server.data)
        assert check_config(*words).returncode == 0
        assert tree(server.data) == before

    def test_all_findings_are_told_and_would_stop_a_start(self, repository, pintled, tmp_path):
        server = pintled(repository)
        assert server.stop() == 0
        with sqlite3.connect(server.data / "pintled.db") as database:
            database.execute("PRAGMA user_version=999")
        database.close()
        done = check_config("--repo", repository.directory, "--repo", f"shop={tmp_path}", "--data", server.data)
        assert done.returncode == 78
        lines = done.stderr.splitlines()
        assert len(lines) == 2 and "shop" not in done.stdout, done.stderr
        assert f"{tmp_path} is not a repository" in lines[0]
        assert "schema version 999" in lines[1]

    @pytest.mark.parametrize("spoil, words, says", [
        (lambda data: data.write_text("x"), [], "expected a directory, found something else"),
        (lambda data: (data.mkdir(), (data / "pintled.db").write_bytes(b"x" * 5000)), [], "file is not a database"),
        (lambda data: None, ["--data", "/no/such/place"], "--data /no/such/place cannot be made"),
        (lambda data: None, ["--data", "PUBLIC/x"], "lies among the public files")])
    def test_data(self, repository, tmp_path, spoil, words, says):
        spoil(tmp_path / "data")
        words = [word.replace("PUBLIC", str(repository.public)) for word in words] or ["--data", tmp_path / "data"]
        done = check_config("--repo", repository.directory, *words)
        assert done.returncode == 78 and says in done.stderr, done.stderr

    def test_that_nothing_would_be_signed_is_a_warning(self, repository, tmp_path):
        (tmp_path / "empty").mkdir()
        done = check_config("--repo", repository.directory, "--data", tmp_path / "data", "--keys", tmp_path / "empty")
        assert done.returncode == 0
        assert "warning: nothing would be re-signed" in done.stderr

    def test_of_the_file(self, repository, tmp_path):
        (tmp_path / "pintled.conf").write_text("repo = pins\nresign-evry = 5\n")
        done = check_config("--config", tmp_path / "pintled.conf")
        assert done.returncode == 78
        assert f'{tmp_path}/pintled.conf:2: there is no setting "resign-evry"; did you mean resign-every?' in done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_unit_is_understood_and_as_hard_as_the_guide_says(tmp_path):
    text = (ROOT / "packaging" / "systemd" / "pintled.service.in").read_text().replace("@bindir@", str(binary("pintled").parent))
    unit = tmp_path / "pintled.service"
    unit.write_text(text.replace("=pintled\n", "=daemon\n"))  # a user that there is
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if "pintled" in line] == []
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", unit], capture_output=True, text=True, check=False)
    exposure = re.search(r"Overall exposure level for pintled.service: ([0-9.]+)", done.stdout)[1]
    assert f"says {exposure} of 10" in (ROOT / "docs" / "guides" / "operate.md").read_text()
