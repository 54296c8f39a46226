# SPDX-License-Identifier: Apache-2.0
"""What goes over the wire: how many requests, and compressed where that was made ready (docs/design/0014-gzip.md)."""

import gzip
import hashlib
import re
import shutil

import pytest

from rig.peers import PEERS, Client

GZIP = "gzip_static on; gzip_vary on;"


def fetched(backend, url, before=0):
    return [(entry["line"].split()[1], entry["encoding"]) for entry in backend.nginx.fetched(url)[before:]]


def compressed(file):
    return file.with_name(file.name + ".gz")


def plain_files(public):
    return [path for path in public.rglob("*") if path.is_file() and path.suffix != ".gz"]


def bodies(repository):
    return [path for path in (repository.public / "body").iterdir() if path.suffix != ".gz"]


def newest_body(repository):
    """The name of the newest body."""
    newest = max((repository.public / "metadata").glob("*.snapshot.json"), key=lambda path: int(path.name.split(".")[0]))
    return hashlib.sha256(newest.read_bytes()).hexdigest()


class TestCompressed:
    def test_what_never_changes_and_shrinks_has_its_compressed_form(self, backend, repository, host):
        for _ in range(2):
            repository.pin(host, backend.new_key()[1])
            repository.publish()
        repository.run("resign", "--always")
        repository.run("root", "renew")
        repository.publish()
        assert len(bodies(repository)) >= 3
        for file in plain_files(repository.public):
            polled = file.parent.name == "head" or file.name == "timestamp.json"
            shorter = file.stat().st_size - len(gzip.compress(file.read_bytes(), 6))
            assert compressed(file).exists() == (not polled and shorter >= max(64, file.stat().st_size // 10)), file
            if compressed(file).exists():
                data = compressed(file).read_bytes()
                assert gzip.decompress(data) == file.read_bytes()
                assert data[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", "a time, a name or a system in it"
        kinds = {re.sub("[0-9a-f]{64}|[0-9]+", "N", path.name) for path in repository.directory.rglob("*.gz")}
        assert kinds >= {"N.gz", "N.root.json.gz", "N.targets.json.gz", "N.snapshot.json.gz", "N.main.json.gz"}
        assert not [path for path in repository.directory.rglob("*.gz") if not path.is_relative_to(repository.public)]

    def test_the_plain_files_go_compressed(self, backend, repository, install, host, pintled):
        """To a client for which there are no heads and bodies."""
        site = backend.serve(host)
        repository.pin(host, site.key)
        repository.publish()
        server = pintled(repository)
        for name in ("head", "body"):
            shutil.rmtree(repository.public / name)
        url = backend.nginx.serve_directory(repository.public, GZIP)
        for where in (url, server.url):
            assert install(repository, where).check(host, connect=site.address).returncode == 0
        log = {entry["line"].split()[1]: entry for entry in backend.nginx.fetched(url) if entry["status"] == 200}
        assert {"/metadata/timestamp.json", "/metadata/2.snapshot.json", "/metadata/2.targets.json"} <= log.keys()
        for path, entry in log.items():
            packed = compressed(repository.public / path[1:])
            assert entry["encoding"] == ("gzip" if packed.exists() else ""), path
            assert not packed.exists() or entry["bytes"] == packed.stat().st_size

    @pytest.mark.parametrize("peer", ["pintle-tuf", *PEERS])
    def test_other_clients_take_it(self, backend, repository, host, pintled, tmp_path, peer):
        repository.pin(host, backend.new_key()[1])
        repository.publish()
        root = (repository.public / "metadata" / "1.root.json").read_bytes()
        charter = [file.read_bytes() for file in (repository.public / "targets").glob("*.charter.json")]
        for number, url in enumerate((backend.nginx.serve_directory(repository.public, GZIP), pintled(repository).url)):
            assert Client(peer, tmp_path / f"client-{number}", root).download(url, "charter.json")[0] in charter

    def test_pintled_sends_it_to_who_asks(self, backend, repository, pintled, host):
        repository.pin(host, backend.new_key()[1])
        repository.publish()
        server = pintled(repository)
        for body in bodies(repository):
            for accepts, compressed in (("gzip", True), ("br, gzip;q=0.1", True), ("gzip;q=0", False), ("br", False)):
                status, headers, data = server.request("GET", f"/body/{body.name}", headers={"Accept-Encoding": accepts})
                assert (status, headers["vary"]) == (200, "Accept-Encoding")
                assert headers.get("content-encoding") == ("gzip" if compressed else None)
                assert (gzip.decompress(data) if compressed else data) == body.read_bytes()
            body.with_name(body.name + ".gz").unlink()  # a repository of an older publisher
            _, headers, data = server.request("GET", f"/body/{body.name}", headers={"Accept-Encoding": "gzip"})
            assert (headers.get("content-encoding"), data) == (None, body.read_bytes())
        for name in ("/head/1", "/metadata/timestamp.json"):
            assert "content-encoding" not in server.request("GET", name, headers={"Accept-Encoding": "gzip"})[1]

    def test_a_client_takes_it_from_nginx(self, backend, repository, install, host):
        site = backend.serve(host)
        repository.pin(host, site.key)
        repository.publish()
        url = backend.nginx.serve_directory(repository.public, GZIP)
        client = install(repository, url)
        assert client.check(host, connect=site.address).returncode == 0
        log = backend.nginx.fetched(url)
        assert [entry["encoding"] for entry in log] == ["", "gzip"]
        assert log[1]["bytes"] == next((repository.public / "body").glob(log[1]["line"].split()[1][6:] + ".gz")).stat().st_size

    @pytest.mark.parametrize("harm", ["cut", "another body", "no gzip"])
    def test_a_bad_compressed_body_is_a_failed_transfer(self, backend, repository, install, host, harm, tmp_path):
        """The copy in front is broken; what is in force stays, and the next copy serves."""
        site = backend.serve(host)
        repository.pin(host, site.key)
        repository.publish()
        good = backend.nginx.serve_directory(repository.copy_public(tmp_path / "copy"), GZIP)
        bad = backend.nginx.serve_directory(repository.public, GZIP)
        for path in (repository.public / "body").glob("*.gz"):
            data = path.read_bytes()
            path.write_bytes({"cut": data[:-3], "another body": gzip.compress(b"PNTL0001\0\0\0\0"), "no gzip": b"hello"}[harm])
        assert install(repository, bad).check(host, connect=site.address).returncode != 0
        client = install(repository, bad)
        client.urls = (bad, good)
        assert client.check(host, connect=site.address).returncode == 0


class TestRequests:
    """The table of docs/guides/operate.md, "What a refresh costs", over a real server."""

    def test_new_client_up_to_date_and_one_change(self, backend, repository, install, host):
        site = backend.serve(host)
        repository.pin(host, site.key)
        repository.publish()
        url = backend.nginx.serve_directory(repository.public, GZIP)
        client = install(repository, url)
        body = newest_body(repository)
        for expected in (["/head/1", f"/body/{body}"], ["/head/1"]):
            before = len(backend.nginx.fetched(url))
            assert client.check(host, connect=site.address).returncode == 0
            assert [path for path, _ in fetched(backend, url, before)] == expected
        repository.pin(host, backend.new_key()[1])
        repository.publish()
        before = len(backend.nginx.fetched(url))
        assert client.check(host, connect=site.address).returncode == 0
        assert [path for path, _ in fetched(backend, url, before)] == ["/head/1", f"/body/{newest_body(repository)}"]
