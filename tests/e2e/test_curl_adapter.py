# SPDX-License-Identifier: Apache-2.0
"""libpintle-curl as applications link it: HTTP/2, healing against real servers that count, and a libcurl that cannot be hooked."""

import subprocess
from pathlib import Path

import pytest

from pki import spki_pin
from rig.compiler import LIBRARIES, build_directory, compile_program, compiler_words
from rig.hostile import HostileServer, silent
from rig.process import wait_for
from rig.programs import ROOT, clean_environment
from test_stranger import Running

HERE = Path(__file__).resolve().parent
TRANSFERS = ROOT / "tests/package/transfers.c"
REFUSED = 60  # CURLE_PEER_FAILED_VERIFICATION


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return compile_program(tmp_path_factory.mktemp("transfers") / "transfers", HERE / "transfers.c",
                           ours=["-lpintle-curl", *LIBRARIES], libraries=["-lcurl"])


@pytest.fixture
def application(program, tmp_path, ca, repository):
    """Starts it with a client of the published repository at url; connections to each site go where it is."""
    started = []

    def start(url, *sites):
        running = Running(program, repository.directory / "app/roots", url, ca, tmp_path / "store")
        started.append(running)
        for site in sites:
            assert running.ask(f"to {site.host}:443:{site.address}") == "ok"
        return running

    yield start
    for running in started:
        assert running.end() == 0


def answer(line):
    return dict(word.split("=") for word in line.split())


def test_http2_on_one_connection(application, backend, repository, host):
    """Many requests over one connection, each asked about: also the ones after a withdrawal."""
    site = backend.serve(host)
    site.http2 = True
    repository.pin(host, site.key)
    repository.publish()
    app = application(backend.nginx.serve_directory(repository.public), site)
    assert app.ask("refresh") == "refresh ok"
    assert answer(app.ask(f"get 8 {site.url}")) == {"codes": "0", "reasons": "matched", "connects": "1", "http": "2"}
    assert answer(app.ask(f"get 8 {site.url}")) == {"codes": "0", "reasons": "matched", "connects": "0", "http": "2"}
    wait_for("the log of 16 requests", lambda: len(backend.requests(host)) == 16)
    repository.run("pin", "add", host, "--key", backend.new_key()[1])
    repository.run("pin", "remove", host, spki_pin(site.key_object))
    repository.publish()
    assert app.ask("refresh") == "refresh ok"
    assert answer(app.ask(f"get 8 {site.url}"))["codes"] == str(REFUSED)
    assert len(backend.requests(host)) == 16


def test_http2_over_a_connection_without_pins(application, backend, repository, host):
    """A bare handle's connection invites to share it: whoever is pinned makes another, or none."""
    good, wrong = backend.serve(host), backend.serve("wrong.example.com")
    good.http2 = wrong.http2 = True
    repository.pin(host, good.key)
    repository.pin(wrong.host, backend.new_key()[1])
    repository.publish()
    app = application(backend.nginx.serve_directory(repository.public), good, wrong)
    assert app.ask("refresh") == "refresh ok"
    for site in (good, wrong):
        assert answer(app.ask(f"bare 1 {site.url}")) == {"codes": "0", "reasons": "none", "connects": "1", "http": "2"}
    found = answer(app.ask(f"get 4 {good.url}"))
    assert (found["codes"], found["reasons"]) == ("0", "matched")
    assert answer(app.ask(f"get 4 {wrong.url}"))["codes"] == str(REFUSED)
    wait_for("the log of the requests", lambda: len(backend.requests(host)) == 5)
    assert len(backend.requests(wrong.host)) == 1


def test_http2_of_another_name_on_the_same_server(application, backend, repository, host):
    """One certificate, one address, two hosts: what was judged for the one is not judged for the other."""
    other = "other.example.com"
    site = backend.serve(host, other)
    site.http2 = True
    repository.pin(host, site.key)
    repository.pin(other, backend.new_key()[1])
    repository.publish()
    app = application(backend.nginx.serve_directory(repository.public), site)
    assert app.ask(f"to {other}:443:{site.address}") == "ok"
    assert app.ask("refresh") == "refresh ok"
    assert answer(app.ask(f"get 2 {site.url}"))["codes"] == "0"
    assert answer(app.ask(f"get 2 https://{other}/"))["codes"] == str(REFUSED)
    assert not backend.requests(other)


def test_an_attack_is_not_multiplied(application, backend, repository, host):
    """Every handshake and every poll is counted where it arrives."""
    site = backend.serve(host)
    repository.pin(host, backend.new_key()[1])
    repository.publish()
    url = backend.nginx.serve_directory(repository.public)
    app = application(url, site)
    assert app.ask("refresh") == "refresh ok"
    polls = lambda: len([entry for entry in backend.nginx.fetched(url) if "/head/" in entry["line"]])  # noqa: E731
    wait_for("the first poll's log", lambda: polls() >= 1)
    first, calls = polls(), 8
    for _ in range(calls):
        assert answer(app.ask(f"perform 20000 {site.url}"))["codes"] == str(REFUSED)
    wait_for("the log of the last handshake", lambda: backend.nginx.refused_handshakes() == calls + polls() - first)
    assert 1 <= polls() - first <= 4, "a refresh is rationed per host"
    assert not backend.requests(host)


def test_a_manifest_that_never_comes_costs_the_deadline(application, backend, repository, host):
    """No second handshake, and the call ends; the limit here is only against waiting for ever."""
    site = backend.serve(host)
    repository.pin(host, backend.new_key()[1])
    repository.publish()
    server = HostileServer(repository.public)
    try:
        app = application(server.url, site)
        assert app.ask("refresh") == "refresh ok"
        server.rules.append(("/", silent))
        assert answer(app.ask(f"perform 300 {site.url}")) == {"codes": str(REFUSED), "reasons": "mismatch", "connects": "1",
                                                            "http": "1"}
        assert backend.nginx.refused_handshakes() == 1
    finally:
        server.stop()


# ---- a libcurl that cannot be hooked ----

def gnutls_libcurl():
    found = subprocess.run([compiler_words()[0], "-print-file-name=libcurl-gnutls.so.4"], capture_output=True, text=True,
                           check=True).stdout.strip()
    assert "/" in found, "libcurl over GnuTLS is missing: tools/setup.sh test"
    return found


def refused(program, want):
    done = subprocess.run([program], capture_output=True, text=True, check=False, timeout=30, env=clean_environment())
    assert (done.returncode, "GnuTLS" in done.stdout) == (1, True), done.stdout + done.stderr
    assert done.stdout.endswith(f": {want}\n"), done.stdout


def test_gnutls_is_refused_where_all_is_linked_to_it(tmp_path):
    lib = build_directory() / "lib"
    ours = [lib / f"libpintle{name}.a" for name in ("-curl", "-openssl", "-crypto-openssl", "")]
    refused(compile_program(tmp_path / "static", TRANSFERS, ours=ours,
                            libraries=[gnutls_libcurl(), "-lssl", "-lcrypto", "-pthread"]), "unsupported")


def test_gnutls_is_refused_where_both_are_loaded(tmp_path):
    """Ours is linked to the libcurl over OpenSSL, which believes every handle to be its own; the program calls the other."""
    refused(compile_program(tmp_path / "shared", TRANSFERS,
                            ours=["-lpintle-curl", "-lpintle-crypto-openssl", "-lpintle", gnutls_libcurl()]), "unsupported")
