# SPDX-License-Identifier: Apache-2.0
"""An application without OpenSSL: the core and the crypto provider over mbedTLS, with a transport of its own."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from pki import new_key
from rig.compiler import compile_program
from rig.programs import Repository
from test_stranger import Running

HERE = Path(__file__).resolve().parent
CANNOT = "Ed25519, which the provider mbedtls cannot verify"


@pytest.fixture(scope="session")
def device(tmp_path_factory):
    return compile_program(tmp_path_factory.mktemp("device") / "device", HERE / "device.c",
                           ours=["-lpintle-crypto-mbedtls", "-lpintle"])


@pytest.fixture
def certificate(authority, tmp_path, host):
    """Writes a certificate of the host, in DER, with this key."""
    def make(name, key):
        path = tmp_path / f"{name}.der"
        path.write_bytes(authority.leaf(host, key=key)[0].public_bytes(Encoding.DER))
        return path

    return make


def start(device, repository, server, tmp_path, host):
    app = Running(device, repository.roots, server.url + "/", tmp_path / "store", host)
    app.started = app.process.stdout.readline().strip()
    return app


def test_no_openssl_is_loaded(device):
    loaded = subprocess.run(["ldd", device], capture_output=True, text=True, check=True).stdout
    assert "libpintle.so" in loaded and "libmbedcrypto" in loaded
    assert "libcrypto.so" not in loaded and "libssl" not in loaded


def test_pins_turn_without_openssl(device, repository, pintled, workshop, certificate, tmp_path, host):
    live, next_key, stranger = new_key(), new_key(), new_key()
    repository.pin(host, workshop.key_file(live))
    repository.publish()
    server = pintled(repository)
    app = start(device, repository, server, tmp_path, host)
    assert app.started == "start ok"
    assert app.ask("refresh").strip() == "refresh ok"
    assert app.ask(str(certificate("live", live))) == "check matched"
    assert app.ask(str(certificate("stranger", stranger))) == "check mismatch"
    repository.run("pin", "add", host, "--key", workshop.key_file(next_key))
    repository.publish()
    assert app.ask(str(certificate("next", next_key))) == "check mismatch"
    assert app.ask("refresh").strip() == "refresh ok"
    assert app.ask(str(certificate("next", next_key))) == "check matched"
    assert app.end() == 0


def test_a_repository_of_ed25519_keys_is_refused_at_the_start(device, pintled, tmp_path, host):
    repository = Repository(tmp_path / "pins", "--key-type", "ed25519", "--offline-keys", "3", "--threshold", "2")
    app = start(device, repository, pintled(repository), tmp_path, host)
    assert f"root: 0 of 2 required signatures verify; 3 of its 3 keys are {CANNOT}" in app.started
    assert app.end() == 0


def test_a_root_that_needs_ed25519_keys_is_refused_and_the_pins_stay(device, repository, pintled, workshop, certificate,
                                                                     tmp_path, host):
    """The newest root is one that this device cannot verify: it says so, and keeps the pins it has."""
    live = new_key()
    repository.pin(host, workshop.key_file(live))
    repository.publish()
    server = pintled(repository)
    app = start(device, repository, server, tmp_path, host)
    assert app.ask("refresh").strip() == "refresh ok"
    new = tmp_path / "ed25519.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", new], check=True)
    repository.run("root", "rotate", "--old", repository.keys / "root-1.pem", "--new", new)
    repository.run("sign", "--key", new)
    repository.publish()
    said = app.ask("refresh")
    assert said.startswith("refresh trust")
    assert f"root: 0 of 1 required signatures verify; 1 of its 1 keys are {CANNOT}" in said
    assert app.ask(str(certificate("live", live))) == "check matched"
    assert app.end() == 0
