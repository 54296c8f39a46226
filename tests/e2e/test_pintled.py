# SPDX-License-Identifier: Apache-2.0
"""The server: what it serves and to whom, what it takes, and what it does when things break."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import threading

import pytest

from rig.clock import clock
from rig.process import LOOPBACK, free_port, wait_for
from rig.programs import Repository, binary, pintle
from thief import read_container

REPORT = {"v": 1, "type": "tls.cert.pinned_key_not_in_cert_chain", "host": "api.example.test", "reason": "mismatch",
          "date-time": "2026-11-21T20:00:00Z", "id": "0123456789abcdef"}


def report(**changes):
    return json.dumps({**REPORT, **changes}).encode()


class TestFiles:
    def test_serves_what_the_directory_holds_with_the_right_caching(self, repository, pintled):
        server = pintled(repository)
        kinds = {}
        for path in repository.public.rglob("*"):
            if not path.is_file():
                continue
            name = "/" + str(path.relative_to(repository.public))
            status, headers, body = server.get(name)
            assert (status, body) == (200, path.read_bytes()), name
            kinds[name] = headers["cache-control"]
        for name, cache in kinds.items():
            short = name.startswith("/head/") or name == "/metadata/timestamp.json"
            assert ("max-age=60" in cache and "stale-if-error=86400" in cache) == short, (name, cache)
            assert ("immutable" in cache) != short, (name, cache)
        assert {"/head/1", "/metadata/timestamp.json", "/metadata/1.root.json"} <= set(kinds)
        assert any(name.startswith("/body/") for name in kinds)

    def test_a_published_change_is_served_at_once(self, repository, pintled):
        server = pintled(repository)
        before = read_container(server.get("/head/1")[2])["timestamp.json"]
        repository.publish()
        after = read_container(server.get("/head/1")[2])["timestamp.json"]
        assert json.loads(after)["signed"]["version"] > json.loads(before)["signed"]["version"]

    def test_what_is_not_there_may_come_soon(self, repository, pintled):
        server = pintled(repository)
        for path in ("/head/2", "/metadata/2.root.json", "/body/" + "0" * 64, "/", "/x", "/head", "/head/"):
            status, headers, _ = server.get(path)
            assert status == 404, path
            age = re.search(r"max-age=(\d+)", headers.get("cache-control", ""))
            assert "no-store" in headers.get("cache-control", "") or int(age.group(1)) <= 60, (path, headers)

    @pytest.mark.parametrize("path", [
        "/../repository.json", "/../keys/timestamp.pem", "/metadata/../../keys/timestamp.pem",
        "/%2e%2e/keys/timestamp.pem", "/..%2fkeys%2ftimestamp.pem", "/%2e%2e%2fkeys%2ftimestamp.pem",
        "/metadata/%2e%2e/%2e%2e/keys/timestamp.pem", "//keys/timestamp.pem", "/metadata//../../keys/timestamp.pem",
        "/..\\keys\\timestamp.pem", "/metadata/..%5c..%5ckeys%5ctimestamp.pem", "/%c0%ae%c0%ae/keys/timestamp.pem",
        "/./../keys/timestamp.pem", "/keys/timestamp.pem", "/.hidden", "/metadata/.hidden", "/link", "/linked/x",
        "/head/1%00.txt", "/metadata/timestamp.json/", "/metadata/timestamp.json/..", "/pipe", "/" + "a" * 5000,
        "/" + "a/" * 500, "http://127.0.0.1/../keys/timestamp.pem", "/file%0d%0aX-Injected:%201"])
    def test_path_traversal(self, repository, pintled, tmp_path, path):
        public = repository.public
        (public / ".hidden").write_text("secret")
        (public / "metadata" / ".hidden").write_text("secret")
        (public / "link").symlink_to(repository.keys / "timestamp.pem")
        (public / "linked").symlink_to(repository.keys)
        (repository.keys / "x").write_text("secret")
        os.mkfifo(public / "pipe")
        server = pintled(repository)
        status, headers, body = server.get(path)
        assert status in (400, 404, 414, 431), (status, body)
        assert b"PRIVATE" not in body and b"secret" not in body
        assert "x-injected" not in headers
        assert server.get("/healthz")[0] == 200

    def test_methods(self, repository, pintled):
        server = pintled(repository)
        status, headers, body = server.request("HEAD", "/head/1")
        assert (status, body) == (200, b"")
        assert int(headers["content-length"]) == (repository.public / "head" / "1").stat().st_size
        for method, path in (("PUT", "/head/1"), ("DELETE", "/head/1"), ("POST", "/head/1"), ("POST", "/healthz"),
                             ("PATCH", "/v1/reports"), ("DELETE", "/v1/reports")):
            assert server.request(method, path, b"")[0] == 405, (method, path)

    def test_a_client_follows_it(self, backend, repository, pintled, install, host):
        site = backend.serve(host)
        server = pintled(repository)
        repository.pin(host, site.key)
        repository.publish()
        client = install(repository, server.url)
        assert client.get(site.url, connect=site.address).returncode == 0
        assert pintle("verify", server.url, "--roots", repository.roots).returncode == 0


class TestReports:
    def test_report_is_stored_once(self, repository, pintled):
        server = pintled(repository)
        for _ in range(3):
            assert server.post_report(report())[0] == 202
        assert server.post_report(report(id="fedcba9876543210", host="www.example.test"))[0] == 202
        stored = server.reports()
        assert sorted(entry["id"] for entry in stored) == ["0123456789abcdef", "fedcba9876543210"]
        assert all(entry["received"] for entry in stored)

    @pytest.mark.parametrize("body", [
        b"", b"{}", b"[]", b"null", b"{", b"\xff\xfe", report(v=2), report(host="bad host"), report(host="x" * 300),
        report(id="short"), report(id='0123456789abc"<x>'), report(surplus=1), report(device_id="1234567890123456"),
        report(weight=1.5), report(weight=-1), report(enforce="yes"), report(**{"known-pins": ["x"]}),
        report(**{"date-time": "yesterday"}), report(app={"id": "a", "imei": "1"}),
        report(**{"chain-spki": ["47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="] * 17}),
        b'{"v":1,"v":1' + report()[7:], report()[:-1] + b"} x", b"[" * 2000],
        ids=lambda body: body[:40].decode(errors="replace"))
    def test_what_is_no_report_is_refused_with_a_reason(self, repository, pintled, body):
        server = pintled(repository)
        status, _, answer = server.post_report(body)
        assert status == 400, answer
        assert json.loads(answer)["error"]
        assert server.reports() == []

    def test_size_and_content_type(self, repository, pintled):
        server = pintled(repository)
        assert server.post_report(b" " * 8193)[0] == 413
        assert server.post_report(report() + b" " * (8192 - len(report())))[0] == 202
        assert server.post_report(report(), "text/plain")[0] == 415
        assert server.post_report(report(id="another-id-123456"), "application/json; charset=utf-8")[0] == 202
        status, _, _ = server.request("POST", "/v1/reports", report(), {})
        assert status == 415
        assert len(server.reports()) == 2

    def test_unbounded_body_is_cut_off(self, repository, pintled):
        server = pintled(repository)
        with socket.create_connection((LOOPBACK, server.port), timeout=10) as raw:
            raw.sendall(b"POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                        b"Transfer-Encoding: chunked\r\n\r\n")
            sent = 0
            try:
                while sent < 10_000_000:
                    raw.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
                    sent += 4096
            except OSError:
                pass
        assert sent < 10_000_000
        assert server.get("/healthz")[0] == 200

    def test_reports_of_our_own_client_arrive(self, backend, repository, pintled, install, host):
        pinned, unpinned = backend.serve(host), backend.serve(host)
        server = pintled(repository)
        repository.run("charter", "set", "--report-url", server.url + "/v1/reports")
        repository.pin(host, pinned.key)
        repository.publish()
        client = install(repository, server.url)
        result = client.get(unpinned.url, connect=unpinned.address)
        assert result.returncode == 67
        assert "could not be sent" not in result.stderr and "dropped" not in result.stderr, result.all
        (entry,) = server.reports()
        assert (entry["host"], entry["noted-hostname"], entry["enforce"]) == (host, host, True)
        assert (entry["manifest"]["zone"], entry["manifest"]["version"]) == ("main", 2)
        assert client.get(pinned.url, connect=pinned.address).returncode == 0
        assert len(server.reports()) == 1, "success is not reported"

    def test_broken_collector_never_stands_in_the_way(self, backend, repository, install, host):
        pinned, unpinned = backend.serve(host), backend.serve(host)
        repository.run("charter", "set", "--report-url", f"http://{LOOPBACK}:1/v1/reports")
        repository.pin(host, pinned.key)
        repository.publish()
        client = install(repository, backend.nginx.serve_directory(repository.public))
        assert client.get(unpinned.url, connect=unpinned.address).returncode == 67
        assert client.get(pinned.url, connect=pinned.address).returncode == 0

    def test_sigterm_under_load_loses_nothing_acknowledged(self, repository, pintled, tmp_path):
        server = pintled(repository)
        acknowledged, stop = [], threading.Event()

        def send(sender):
            count = 0
            while not stop.is_set():
                count += 1
                name = f"sender-{sender}-{count:08d}"
                try:
                    if server.post_report(report(id=name))[0] == 202:
                        acknowledged.append(name)
                except (OSError, ValueError, Exception):  # pylint: disable=broad-except
                    continue

        senders = [threading.Thread(target=send, args=(number,)) for number in range(8)]
        for sender in senders:
            sender.start()
        wait_for("some hundred reports", lambda: len(acknowledged) > 300, seconds=60)
        assert server.stop() == 0
        stop.set()
        for sender in senders:
            sender.join()
        again = pintled(repository, data=server.data)
        stored = set()
        with sqlite3.connect(server.data / "pintled.db") as database:
            for (document,) in database.execute("SELECT document FROM report"):
                stored.add(json.loads(document)["id"])
        assert set(acknowledged) <= stored
        assert again.reports()

    def test_kill_loses_nothing_acknowledged(self, repository, pintled):
        server = pintled(repository)
        for number in range(20):
            assert server.post_report(report(id=f"report-{number:016d}"))[0] == 202
        server.process.kill()
        assert len(pintled(repository, data=server.data).reports()) == 20

    def test_old_reports_go_when_there_are_too_many(self, repository, pintled):
        server = pintled(repository, "--keep-reports", "5")
        for number in range(12):
            assert server.post_report(report(id=f"report-{number:016d}"))[0] == 202
        assert len(server.reports()) <= 5

    def test_list_by_host_and_limit(self, repository, pintled):
        server = pintled(repository)
        for number in range(6):
            body = report(id=f"report-{number:016d}", host=("odd" if number % 2 else "even") + ".example.test")
            assert server.post_report(body)[0] == 202

        def listed(query):
            status, _, page = server.api("/v1/reports" + query)
            return [entry["id"] for entry in page["items"]] if status == 200 else status

        assert len(listed("")) == 6
        assert len(listed("?host=EVEN.example.test.")) == 3
        assert len(listed("?limit=2")) == 2
        assert listed("?limit=0") == listed("?limit=x") == listed("?host=a%20b") == 400


class TestAdministration:
    def test_separate_listener(self, repository, pintled):
        port = free_port()
        server = pintled(repository, "--admin", f"{LOOPBACK}:{port}")
        assert server.post_report(report())[0] == 202
        for path, alone in (("/metrics", 200), ("/v1/reports", 401)):
            assert server.get(path)[0] in (404, 405), path
            assert server.request("GET", path, base=f"http://{LOOPBACK}:{port}")[0] == alone, path
        assert len(server.reports()) == 1
        assert server.request("GET", "/head/1", base=f"http://{LOOPBACK}:{port}")[0] == 404
        assert server.get("/head/1")[0] == 200

    def test_public_listener_has_no_administration(self, repository, pintled):
        server = pintled(repository, "--listen", f"0.0.0.0:{free_port()}")
        base = f"http://{LOOPBACK}:{server.port}"
        for path in ("/metrics", "/v1/reports"):
            assert server.request("GET", path, base=base)[0] in (404, 405), path
        assert set(json.loads(server.request("GET", "/healthz", base=base)[2])) == {"status"}

    def test_administration_is_on_loopback_only(self, repository, tmp_path):
        done = subprocess.run([binary("pintled"), "--repo", repository.directory, "--data", tmp_path / "data",
                               "--listen", f"{LOOPBACK}:0", "--admin", "0.0.0.0:0"], capture_output=True, text=True,
                              check=False, timeout=10)
        assert done.returncode == 64
        assert "loopback" in done.stderr

    def test_metrics_count(self, repository, pintled):
        server = pintled(repository)
        server.get("/head/1")
        server.post_report(report())
        server.post_report(report())
        server.post_report(b"{}")
        text = server.get("/metrics")[2].decode()
        for line in ('pintle_http_requests_total{route="head",code="200"} 1',
                     'pintle_reports_total{result="accepted"} 1', 'pintle_reports_total{result="duplicate"} 1',
                     'pintle_reports_total{result="invalid"} 1', "pintle_signer_up 1"):
            assert line in text.splitlines(), line
        assert 'pintle_manifest_expiry_timestamp_seconds{role="timestamp"}' in text

    def test_health(self, repository, pintled):
        status, _, body = pintled(repository).get("/healthz")
        assert (status, json.loads(body)["status"]) == (200, "ok")


class TestStarting:
    def run(self, *words):
        return subprocess.run([binary("pintled"), *map(str, words)], capture_output=True, text=True, timeout=10,
                              check=False)

    def test_no_repository(self, tmp_path):
        done = self.run("--repo", tmp_path / "missing", "--data", tmp_path / "data")
        assert done.returncode == 1
        assert "pintle init" in done.stderr

    def test_port_in_use(self, repository, pintled, tmp_path):
        server = pintled(repository)
        done = self.run("--repo", repository.directory, "--data", tmp_path / "other", "--listen",
                        f"{LOOPBACK}:{server.port}")
        assert done.returncode == 1
        assert str(server.port) in done.stderr

    def test_data_in_use(self, repository, pintled):
        server = pintled(repository)
        done = self.run("--repo", repository.directory, "--data", server.data, "--listen", f"{LOOPBACK}:0")
        assert done.returncode == 1
        assert "in use" in done.stderr


def open_files(pid):
    """What the descriptors of a process are."""
    return [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]


def signer_of(server):
    """The process id of the signer, a child of the server."""
    with open(f"/proc/{server.process.pid}/task/{server.process.pid}/children", encoding="ascii") as children:
        found = children.read().split()
    return int(found[0]) if found else None


@pytest.fixture
def aged_repository(tmp_path):
    """aged_repository("-60h"): made and published that long ago."""
    return lambda offset: Repository(tmp_path / "aged", env=clock(offset))


class TestSigner:
    def test_renews_before_expiry(self, aged_repository, pintled, install, host):
        repository = aged_repository("-60h")  # two and a half of the timestamp's three days are over
        before = repository.timestamp()["signed"]
        server = pintled(repository)
        wait_for("a new timestamp", lambda: repository.timestamp()["signed"]["version"] > before["version"],
                 explain=server.process.output)
        assert repository.timestamp()["signed"]["expires"] > before["expires"]
        client = install(repository, server.url)
        client.check(host, connect=f"{LOOPBACK}:1")
        assert client.accepted()
        verified = pintle("verify", repository.directory)
        assert verified.returncode == 0, verified.all

    def test_recovers_a_publication_that_has_expired(self, aged_repository, pintled):
        repository = aged_repository("-20d")
        assert pintle("verify", repository.directory).returncode == 66
        before = repository.timestamp()["signed"]["version"]
        server = pintled(repository)
        wait_for("a new timestamp", lambda: repository.timestamp()["signed"]["version"] > before,
                 explain=server.process.output)
        wait_for("health", lambda: server.get("/healthz")[0] == 200)
        assert pintle("verify", repository.directory).returncode == 0

    def test_a_broken_stage_does_not_stop_it(self, aged_repository, pintled):
        repository = aged_repository("-60h")
        (repository.directory / "stage").mkdir(exist_ok=True)
        (repository.directory / "stage" / "charter.json").write_text("half an edi")
        before = repository.timestamp()["signed"]["version"]
        server = pintled(repository)
        wait_for("a new timestamp", lambda: repository.timestamp()["signed"]["version"] > before,
                 explain=server.process.output)

    def test_it_and_the_command_line_never_sign_one_version_twice(self, aged_repository, pintled):
        repository = aged_repository("-60h")
        server = pintled(repository, "--resign-every", "1")
        seen = {}
        for _ in range(8):
            repository.publish()
            signed = repository.timestamp()["signed"]
            assert seen.setdefault(signed["version"], signed) == signed
        assert server.process.alive()
        assert pintle("verify", repository.directory).returncode == 0

    def test_killed_signer_is_told_and_files_are_still_served(self, repository, pintled):
        server = pintled(repository, "--resign-every", "1")
        os.kill(signer_of(server), signal.SIGKILL)
        wait_for("the loss to be noticed", lambda: json.loads(server.get("/healthz")[2])["status"] != "ok",
                 explain=server.process.output)
        status, _, body = server.get("/healthz")
        assert (status, json.loads(body)["status"], json.loads(body)["repositories"][0]["signer"]) == (200, "degraded", "down")
        assert "pintle_signer_up 0" in server.get("/metrics")[2].decode().splitlines()
        assert server.get("/head/1")[0] == 200
        assert server.post_report(report())[0] == 202
        assert "signer" in server.process.output()
        assert server.stop() == 0

    def test_signer_does_not_outlive_its_server(self, repository, pintled):
        server = pintled(repository)
        signer = signer_of(server)
        os.kill(server.process.pid, signal.SIGKILL)
        wait_for("the signer to end", lambda: not os.path.exists(f"/proc/{signer}"))

    def test_without_keys_it_serves_and_says_so(self, repository, pintled, tmp_path):
        (tmp_path / "empty").mkdir()
        server = pintled(repository, "--keys", tmp_path / "empty")
        assert "NOTHING WILL BE RE-SIGNED" in server.process.output()
        assert server.get("/head/1")[0] == 200
        assert json.loads(server.get("/healthz")[2])["status"] == "degraded"

    def test_the_process_that_faces_the_network_holds_no_key(self, repository, pintled):
        server = pintled(repository)
        signer = signer_of(server)
        assert not [path for path in open_files(server.process.pid) if str(repository.keys) in path]
        if os.geteuid() == 0:
            sockets = [path for path in open_files(signer) if path.startswith("socket:")]
            assert len(sockets) == 1, "the signer has the pair to its server and no other socket"
        else:
            with pytest.raises(PermissionError):  # other processes of its user may not look into it
                open_files(signer)
        with open(f"/proc/{signer}/status", encoding="ascii") as status:
            assert "NoNewPrivs:\t1" in status.read()

    def test_a_report_may_come_in_pieces(self, repository, pintled):
        server = pintled(repository)
        body = report()
        with socket.create_connection((LOOPBACK, server.port), timeout=10) as raw:
            raw.sendall(b"POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                        b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body))
            for byte in range(0, len(body), 40):
                raw.sendall(body[byte:byte + 40])
            assert raw.recv(65536).startswith(b"HTTP/1.1 202 ")
        assert len(server.reports()) == 1

    def test_many_idle_connections_do_not_shut_others_out(self, repository, pintled):
        server = pintled(repository)
        idle = [socket.create_connection((LOOPBACK, server.port), timeout=5) for _ in range(300)]
        try:
            for connection in idle[::2]:
                connection.sendall(b"GET /head/1 HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            assert server.get("/head/1")[0] == 200
            assert server.post_report(report())[0] == 202
        finally:
            for connection in idle:
                connection.close()
        assert server.stop() == 0
