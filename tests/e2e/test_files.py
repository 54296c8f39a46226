# SPDX-License-Identifier: Apache-2.0
"""Published files as pintled sends them: small ones come from memory, and are always those that are on the disk."""

import gzip
import threading

import pytest

POLLED, NAMED = "public, max-age=60, stale-if-error=86400", "public, max-age=31536000, immutable"


def put(path, content):
    """As a publisher does."""
    new = path.with_name(".new")
    new.write_bytes(content)
    new.rename(path)


@pytest.mark.parametrize("size", [0, 1, 16384, 16385, 300000], ids=lambda size: f"{size} B")
def test_what_is_on_the_disk_is_what_is_sent(repository, pintled, size):
    server = pintled(repository)
    head = repository.public / "head" / "1"
    for content in (b"a" * size, b"b" * size, b"b" * (size + 1)):
        put(head, content)
        for _ in range(3):
            status, headers, body = server.get("/head/1")
            assert (status, body, headers["cache-control"]) == (200, content, POLLED)
    head.unlink()
    assert server.get("/head/1")[0] == 404
    put(head, b"again")
    assert server.get("/head/1")[::2] == (200, b"again")
    head.unlink()
    head.symlink_to(repository.keys / "timestamp.pem")
    assert server.get("/head/1")[0] == 404
    head.unlink()
    head.mkdir()
    assert server.get("/head/1")[0] == 404


def test_a_directory_that_becomes_a_link(repository, pintled, tmp_path):
    server = pintled(repository)
    assert server.get("/head/1")[0] == 200
    (repository.public / "head").rename(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "1").unlink()
    (tmp_path / "elsewhere" / "1").write_text("secret")
    (repository.public / "head").symlink_to(tmp_path / "elsewhere")
    status, _, body = server.get("/head/1")
    assert status == 404 and b"secret" not in body


@pytest.mark.parametrize("pattern", ["body/*[0-9a-f]", "metadata/1.root.json", "targets/*.json",
                                     "targets/zones/*.json"])
def test_compressed_forms(repository, pintled, pattern):
    server = pintled(repository)
    file = next(repository.public.glob(pattern))
    packed = file.with_name(file.name + ".gz")
    plain, name = file.read_bytes(), f"/{file.relative_to(repository.public)}"
    put(packed, gzip.compress(plain, 9))
    for accepts, gzipped in (("gzip", True), ("br, gzip;q=0.5", True), ("identity", False), ("gzip;q=0", False),
                             ("*", False), ("", False)):
        for _ in range(2):
            status, headers, content = server.request("GET", name, headers={"Accept-Encoding": accepts})
            assert status == 200 and headers["vary"] == "Accept-Encoding" and headers["cache-control"] == NAMED
            assert headers.get("content-encoding") == ("gzip" if gzipped else None), accepts
            assert content == (packed.read_bytes() if gzipped else plain)
    put(packed, gzip.compress(plain, 1))
    assert gzip.decompress(server.request("GET", name, headers={"Accept-Encoding": "gzip"})[2]) == plain
    packed.unlink()
    status, headers, content = server.request("GET", name, headers={"Accept-Encoding": "gzip"})
    assert (status, content, headers.get("content-encoding")) == (200, plain, None)  # as of an older publisher
    assert headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("name", ["head/1", "metadata/timestamp.json"])
def test_what_is_polled_is_never_compressed(repository, pintled, name):
    server = pintled(repository)
    file = repository.public / name
    put(file.with_name(file.name + ".gz"), gzip.compress(b"of another generation"))
    for _ in range(2):
        status, headers, content = server.request("GET", f"/{name}", headers={"Accept-Encoding": "gzip"})
        assert (status, content) == (200, file.read_bytes())
        assert "content-encoding" not in headers and "vary" not in headers


@pytest.mark.parametrize("method, headers", [
    ("HEAD", {}), ("GET", {"Range": "bytes=0-9"}), ("GET", {"If-None-Match": "*"}),
    ("GET", {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}), ("GET", {"Expect": "100-continue"}),
    ("GET", {"Content-Length": "5"})], ids=lambda value: str(value))
def test_requests_with_conditions_get_all_of_it(repository, pintled, method, headers):
    """No 304 is trusted by a client, which would have to verify it: there are no ETags, and whole files only."""
    server = pintled(repository)
    content = (repository.public / "head" / "1").read_bytes()
    for _ in range(2):
        body = b"abcde" if "Content-Length" in headers else None
        status, got, sent = server.request(method, "/head/1", body, {} if body else headers)
        assert (status, int(got["content-length"])) == (200, len(content))
        assert sent == (b"" if method == "HEAD" else content)
        assert "etag" not in got and "content-range" not in got


def test_publications_while_clients_ask(repository, pintled):
    """Each answer is one file whole, and none is older than one that was sent before."""
    server = pintled(repository)
    head = repository.public / "head" / "1"
    done, seen, wrong = threading.Event(), [[], []], []
    put(head, b"%06d" % 0 * 500)

    def ask(versions):
        while not done.is_set():
            status, _, body = server.get("/head/1")
            if status != 200 or len(body) != 3000 or body != body[:6] * 500:
                wrong.append((status, body[:60]))
            else:
                versions.append(int(body[:6]))

    threads = [threading.Thread(target=ask, args=(versions,)) for versions in seen]
    for thread in threads:
        thread.start()
    for version in range(1, 200):
        put(head, b"%06d" % version * 500)
    assert server.get("/head/1")[2] == b"000199" * 500
    done.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert all(versions == sorted(versions) for versions in seen)
