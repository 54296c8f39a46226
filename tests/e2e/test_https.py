# SPDX-License-Identifier: Apache-2.0
"""HTTPS spoken by the server itself: to the real client, on both listeners, and while its certificate is renewed."""

import http.client
import signal
import socket
import ssl
import subprocess
import threading

import pytest
from cryptography.hazmat.primitives import serialization

from pki import new_key
from rig.process import LOOPBACK, wait_for
from rig.programs import binary, pintle


class Serving:
    """A directory as `pintle gate` keeps it: `current` is a link, swapped at each renewal."""

    def __init__(self, directory, authority, workshop):
        self.directory, self.authority, self.workshop = directory, authority, workshop
        self.generation = 0
        directory.mkdir()
        self.certificate = self.renew()

    chain = property(lambda self: self.directory / "current" / "fullchain.pem")
    key = property(lambda self: self.directory / "current" / "privkey.pem")
    words = property(lambda self: ("--tls-cert", self.chain, "--tls-key", self.key))

    def renew(self, key_of_another=False):
        self.generation += 1
        place = self.directory / f"gen{self.generation}"
        place.mkdir()
        certificate, key = self.authority.leaf(LOOPBACK)
        pem = self.workshop.cert_file(certificate, *self.authority.chain()).read_bytes()
        (place / "fullchain.pem").write_bytes(pem)
        (place / "privkey.pem").write_bytes(self.workshop.key_file(new_key() if key_of_another else key).read_bytes())
        link = self.directory / "next"
        link.symlink_to(place.name)
        link.rename(self.directory / "current")
        return certificate


@pytest.fixture
def serving(tmp_path, authority, workshop):
    return Serving(tmp_path / "serving", authority, workshop)


def served_certificate(server, context=None):
    context = context or ssl._create_unverified_context()
    with socket.create_connection((LOOPBACK, server.port), timeout=10) as raw, context.wrap_socket(raw) as tls:
        return tls.getpeercert(binary_form=True)


def der(certificate):
    return certificate.public_bytes(serialization.Encoding.DER)


def test_clients_and_administrators_are_served(repository, pintled, install, backend, host, serving, ca):
    site = backend.serve(host)
    server = pintled(repository, *serving.words, "--admin", f"{LOOPBACK}:0")
    assert server.url.startswith("https://") and server.admin.startswith("https://")
    repository.pin(host, site.key)
    repository.publish()
    client = install(repository, server.url)
    assert client.get(site.url, connect=site.address).returncode == 0
    trust = ssl.create_default_context(cafile=ca)
    admin = http.client.HTTPSConnection(*server.admin.removeprefix("https://").split(":"), context=trust, timeout=10)
    admin.request("GET", "/metrics")
    assert b"pintle_build_info" in admin.getresponse().read()
    assert pintle("verify", server.url, "--roots", repository.roots, "--ca", ca).returncode == 0


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3"])
def test_versions(repository, pintled, serving, version):
    server = pintled(repository, *serving.words)
    context = ssl._create_unverified_context()
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # else this side would refuse the old ones
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
    if version in ("TLSv1", "TLSv1_1"):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            served_certificate(server, context)
    else:
        assert served_certificate(server, context) == der(serving.certificate)


def test_plain_http_is_not_answered(repository, pintled, serving):
    server = pintled(repository, *serving.words)
    with socket.create_connection((LOOPBACK, server.port), timeout=10) as raw:
        raw.sendall(b"GET /head/1 HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            said = raw.recv(4096)
        except ConnectionError:
            said = b""
    assert b"HTTP/" not in said


class TestRenewal:
    def test_connections_go_on_and_new_ones_get_the_new_certificate(self, repository, pintled, serving):
        server = pintled(repository, *serving.words)
        old = http.client.HTTPSConnection(LOOPBACK, server.port, context=ssl._create_unverified_context(), timeout=10)
        old.request("GET", "/head/1")
        assert old.getresponse().read() == (repository.public / "head" / "1").read_bytes()
        before = old.sock
        renewed = serving.renew()
        server.process.send(signal.SIGHUP)
        wait_for("the new certificate", lambda: served_certificate(server) == der(renewed),
                 explain=server.process.output)
        old.request("GET", "/head/1")
        assert old.getresponse().status == 200
        assert old.sock is before  # it is the same connection

    def test_handshakes_meanwhile_do_not_fail(self, repository, pintled, serving):
        server = pintled(repository, *serving.words)
        failed, done, shaken = [], threading.Event(), [0]

        def shake():
            while not done.is_set():
                try:
                    served_certificate(server)
                    shaken[0] += 1
                except OSError as error:
                    failed.append(error)

        threads = [threading.Thread(target=shake) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(5):
                renewed = serving.renew()
                server.process.send(signal.SIGHUP)
                wait_for("the new certificate", lambda: served_certificate(server) == der(renewed))
        finally:
            done.set()
            for thread in threads:
                thread.join()
        assert not failed and shaken[0] > 0

    def test_files_that_cannot_be_used_change_nothing(self, repository, pintled, serving):
        server = pintled(repository, *serving.words)
        first = served_certificate(server)
        serving.renew(key_of_another=True)
        server.process.send(signal.SIGHUP)
        wait_for("the complaint", lambda: "expected --tls-key to be the key of" in server.process.output())
        assert served_certificate(server) == first
        serving.key.unlink()
        server.process.send(signal.SIGHUP)
        wait_for("the next complaint", lambda: "privkey.pem" in server.process.output())
        assert served_certificate(server) == first
        renewed = serving.renew()
        server.process.send(signal.SIGHUP)
        wait_for("a good pair", lambda: served_certificate(server) == der(renewed))


@pytest.mark.parametrize("case, said", [
    ("no key", "--tls-key FILE is missing"), ("no certificate", "--tls-cert FILE is missing"),
    ("absent", "nowhere.pem"), ("another key", "expected --tls-key to be the key of the first certificate"),
    ("encrypted", "a private key in PEM that is not encrypted"), ("no PEM", "--tls-cert: expected PEM certificates"),
    ("empty", "--tls-cert: expected PEM certificates"), ("wrong order", "--tls-cert: expected PEM certificates")])
def test_a_bad_pair_is_named_at_the_start(repository, tmp_path, serving, authority, workshop, case, said):
    scratch = tmp_path / "scratch.pem"
    chain, key = serving.chain, serving.key
    if case == "absent":
        chain = tmp_path / "nowhere.pem"
    elif case == "another key":
        key = workshop.key_file(new_key())
    elif case == "encrypted":
        scratch.write_bytes(new_key().private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                    serialization.BestAvailableEncryption(b"secret")))
        key = scratch
    elif case in ("no PEM", "empty"):
        scratch.write_bytes(b"nothing of the kind\n" if case == "no PEM" else b"")
        chain = scratch
    elif case == "wrong order":
        chain = workshop.cert_file(*authority.chain(), serving.certificate)
    words = [word for option, file in (("--tls-cert", chain), ("--tls-key", key))
             for word in (option, str(file)) if case != f"no {'key' if option == '--tls-key' else 'certificate'}"]
    usage = case in ("no key", "no certificate")
    for check, code in (((), 1), (("--check-config",), 78)):
        done = subprocess.run([binary("pintled"), "--repo", repository.directory, "--data", tmp_path / "data",
                               "--listen", f"{LOOPBACK}:0", *words, *check], capture_output=True, text=True, timeout=20,
                              check=False)
        assert done.returncode == (64 if usage else code), done.stderr
        assert said in done.stderr
