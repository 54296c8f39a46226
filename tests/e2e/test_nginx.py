# SPDX-License-Identifier: Apache-2.0
"""What `pintle publish --to` writes, and pintled itself, behind a real nginx with the files of packaging/nginx."""

import http.client
import os
import ssl

import pytest

from pki import new_key
from rig.process import LOOPBACK, free_port
from rig.programs import ROOT, Repository, pintle
from test_pintled import report


class Front:
    """nginx with one of our files, its paths and addresses changed as its first lines say."""

    def __init__(self, nginx, name, directory, authority, workshop, ca, changes):
        certificate, key = authority.leaf("pins.example.com", LOOPBACK)
        self.port, self.ca = free_port(), ca
        text = (ROOT / "packaging" / "nginx" / name).read_text()
        for before, after in {"listen 443 ssl http2": f"listen {LOOPBACK}:{self.port} ssl http2",
                              "/etc/ssl/pins.example.com.pem": workshop.cert_file(certificate, *authority.chain()),
                              "/etc/ssl/pins.example.com.key": workshop.key_file(key), "/var/": f"{directory}/",
                              **changes}.items():
            assert before in text, before
            text = text.replace(before, str(after))
        for place in ("log/nginx", "cache/nginx"):
            (directory / place).mkdir(parents=True)
        nginx.serve_block(self.port, text)
        self.url = f"https://{LOOPBACK}:{self.port}"

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPSConnection(LOOPBACK, self.port, timeout=10,
                                                 context=ssl.create_default_context(cafile=self.ca))
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content

    def get(self, path, **headers):
        return self.request("GET", path, headers=headers)


@pytest.fixture
def front(nginx, tmp_path, authority, workshop, ca):
    return lambda name, changes: Front(nginx, name, tmp_path / "front", authority, workshop, ca, changes)


def cache_control_is_right(path, headers):
    polled = path.startswith("/head/") or path == "/metadata/timestamp.json"
    return headers["cache-control"] == ("public, max-age=60, stale-if-error=86400" if polled
                                        else "public, max-age=31536000, immutable")


class TestFiles:
    def test_clients_follow_what_is_copied(self, front, repository, install, backend, host, tmp_path):
        site, next_site = backend.serve(host), backend.serve(host)
        www = tmp_path / "www"
        repository.pin(host, site.key)
        assert "files written to" in repository.run("publish", "--to", www).stdout
        served = front("pintle-files.conf", {"/srv/www/pins;": f"{www};"})
        client = install(repository, served.url)
        assert client.get(site.url, connect=site.address).returncode == 0
        assert client.get(site.url, connect=next_site.address).returncode != 0
        repository.run("pin", "add", host, "--key", next_site.key)
        repository.run("publish")  # which is not copied yet
        assert client.get(site.url, connect=next_site.address).returncode != 0
        repository.run("resign", "--to", www)
        assert client.get(site.url, connect=next_site.address).returncode == 0
        assert pintle("verify", served.url, "--roots", repository.roots, "--ca", served.ca).returncode == 0

    def test_headers(self, front, repository, tmp_path):
        www = tmp_path / "www"
        repository.run("host", "add", "--mode", "report", "--from", "-",
                       input="\n".join(f"host{n}.example.test" for n in range(10)))
        repository.run("publish", "--to", www)
        served = front("pintle-files.conf", {"/srv/www/pins;": f"{www};"})
        for file in (file for file in repository.public.rglob("*") if file.is_file()):
            path = f"/{file.relative_to(repository.public)}"
            status, headers, body = served.get(path)
            assert (status, body) == (200, file.read_bytes()), path
            assert cache_control_is_right(path, headers), (path, headers)
            assert served.get(path, **{"If-None-Match": headers["etag"]})[0] == 304, path
        for compressed in www.rglob("*.gz"):
            path = f"/{compressed.relative_to(www).with_suffix('')}"
            status, headers, content = served.get(path, **{"Accept-Encoding": "gzip"})
            assert (headers["content-encoding"], content) == ("gzip", compressed.read_bytes()), path
            assert headers["vary"] == "Accept-Encoding" and cache_control_is_right(path, headers), path
        assert {compressed.parent.name for compressed in www.rglob("*.gz")} >= {"body", "metadata", "targets"}
        for path in ("/head/2", "/metadata/2.root.json", "/body/" + "0" * 64, "/", "/index.html"):
            status, headers, _ = served.get(path)
            assert (status, headers["cache-control"]) == (404, "public, max-age=30"), path

    def test_what_is_no_published_file_is_not_served(self, front, repository, tmp_path):
        www = tmp_path / "www"
        repository.run("publish", "--to", www)
        (www / "secret").write_text("secret")
        (www / "metadata" / "link").symlink_to(repository.keys / "timestamp.pem")
        served = front("pintle-files.conf", {"/srv/www/pins;": f"{www};"})
        for path in ("/secret", "/metadata/link", "/../pins/keys/timestamp.pem", "/metadata/../secret"):
            status, _, body = served.get(path)
            assert status in (400, 403, 404) and b"PRIVATE" not in body and b"secret" not in body, path
        assert served.request("PUT", "/head/1", b"x")[0] == 403
        assert served.request("POST", "/v1/reports", report())[0] in (404, 405)


class TestCopy:
    """`pintle publish --to`: what it says; test_mirror_faults.c has what it does when it is killed."""

    def test_a_directory_of_something_else_is_refused(self, repository, tmp_path):
        other = Repository(tmp_path / "other", "--name", "other-pins")
        www = tmp_path / "www"
        other.run("publish", "--to", www)
        before = (www / "metadata" / "timestamp.json").read_bytes()
        for directory, said in ((www, "holds another repository"), (tmp_path, "holds something else"),
                                (repository.directory, "holds something else"),
                                (repository.keys / "timestamp.pem", "timestamp.pem")):
            refused = repository.try_run("publish", "--to", directory)
            assert refused.returncode == 73 and said in refused.stderr, refused.all
            assert "published, but not written to --to" in refused.stderr
        assert (www / "metadata" / "timestamp.json").read_bytes() == before

    def test_a_root_that_replaces_the_online_keys(self, repository, tmp_path, install, backend, host):
        site = backend.serve(host)
        www = tmp_path / "www"
        repository.pin(host, site.key)
        repository.run("publish", "--to", www)
        client = install(repository, backend.nginx.serve_directory(www))
        assert client.get(site.url, connect=site.address).returncode == 0
        repository.run("root", "rotate", "--online")
        repository.run("publish", "--to", www)
        assert client.get(site.url, connect=site.address).returncode == 0
        assert repository.run("resign", "--to", www).stdout == ""  # nothing is due, and nothing new to copy
        assert oct(os.stat(www / "head" / "2").st_mode & 0o777) == "0o644"


class TestProxy:
    def test_clients_and_reports_reach_pintled(self, front, repository, tmp_path, pintled, install, backend, host):
        shop = Repository(tmp_path / "shop", "--name", "shop-pins")
        site = backend.serve(host)
        server = pintled(repository, "--repo", f"shop={shop.directory}", "--admin", f"{LOOPBACK}:0", "--behind-proxy",
                         "--reports-per-source", "1")
        served = front("pintled-proxy.conf", {"127.0.0.1:8440": f"{LOOPBACK}:{server.port}"})
        shop.pin(host, site.key)
        shop.publish()
        client = install(shop, served.url + "/shop")
        assert client.get(site.url, connect=site.address).returncode == 0
        for path in ("/head/1", "/metadata/1.root.json", "/shop/metadata/timestamp.json"):
            status, headers, _ = served.get(path)
            assert status == 200
            assert cache_control_is_right(path.removeprefix("/shop"), headers), (path, headers)
        json = {"Content-Type": "application/json"}
        assert served.request("POST", "/v1/reports", report(), json)[0] == 202
        assert served.request("POST", "/shop/v1/reports", report(id="0123456789abcdeX"), json)[0] == 202
        # The largest batch comes through; and it is the network that nginx names which is limited: this machine is not.
        batch = b",".join(report(id=f"{number:016x}") for number in range(64))
        assert served.request("POST", "/v1/reports", b"[" + batch + b"]" + b" " * (131_000 - len(batch)), json)[0] == 202
        assert served.request("POST", "/v1/reports", report(id="f" * 16), json)[0] == 429
        assert served.request("POST", "/v1/reports", b"x" * 140_000, json)[0] == 413
        for path in ("/metrics", "/v1/reports", "/v1/tokens"):
            assert served.get(path)[0] in (403, 404), path
        # What is polled is new as soon as it is published, whatever was asked for before.
        before = served.get("/shop/head/1")[2]
        shop.pin("other.example.test", backend.workshop.key_file(new_key()))
        shop.publish()
        assert served.get("/shop/head/1")[2] != before
        assert client.get(site.url, connect=site.address).returncode == 0
