# SPDX-License-Identifier: Apache-2.0
"""An application of its own, linked with the installed form of the libraries: what the command line cannot show."""

import re
import subprocess
from pathlib import Path

import pytest

from pki import spki_pin
from rig.compiler import build_directory, compile_program
from rig.programs import clean_environment

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def stranger(tmp_path_factory):
    """The compiled application."""
    return compile_program(tmp_path_factory.mktemp("stranger") / "stranger", HERE / "stranger.c")


class Running:
    """The application, one command a line."""

    def __init__(self, *words):
        self.process = subprocess.Popen([*map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=clean_environment())

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def end(self):
        self.process.stdin.close()
        return self.process.wait(timeout=10)


@pytest.mark.parametrize("protocol", ["TLSv1.2", "TLSv1.3"])
def test_bug_07_resumption_after_a_pin_change(stranger, backend, repository, workshop, root_authority, tmp_path, host,
                                              protocol):
    """7: a session made under yesterday's pins was resumed without a look at today's."""
    site = backend.serve(host, protocols=protocol)
    repository.pin(host, site.key, backend.new_key()[1])
    repository.publish()
    app = Running(stranger, repository.roots, backend.nginx.serve_directory(repository.public),
                  workshop.cert_file(root_authority.certificate), tmp_path / "store", host, site.port)
    accepted = f"protocol={protocol} answer=HTTP/1.1 200 OK"
    assert app.ask("connect").startswith("connect required_unknown reused=0")
    assert app.ask("refresh") == "refresh ok"
    assert app.ask("connect") == f"connect matched reused=0 {accepted}"
    assert app.ask("connect") == f"connect matched reused=1 {accepted}", "resumption has to work to be a danger"
    before = len(backend.requests(host))
    repository.run("pin", "remove", host, spki_pin(site.key_object))
    repository.publish()
    assert app.ask("refresh") == "refresh ok"
    for _ in range(2):
        assert app.ask("connect") == f"connect mismatch reused=0 protocol={protocol} answer="
    assert len(backend.requests(host)) == before
    repository.run("pin", "add", host, "--key", site.key)
    repository.publish()
    assert app.ask("refresh") == "refresh ok"
    assert app.ask("connect").startswith("connect matched reused=")
    repository.run("pin", "remove", host, spki_pin(site.key_object))
    repository.run("pin", "add", host, "--key", site.key, "--deny")
    repository.publish()
    assert app.ask("refresh") == "refresh ok"
    assert app.ask("connect") == f"connect denied reused=0 protocol={protocol} answer="
    assert app.end() == 0


def test_libraries_need_nothing_but_libc_and_what_they_adapt(stranger):
    def needed(path):
        text = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
        return set(re.findall(r"Shared library: \[(lib[a-z0-9+-]+)", text)) - {"libasan", "libubsan", "libtsan"}

    libraries = build_directory() / "lib"
    assert needed(libraries / "libpintle.so") <= {"libc", "libpthread"}
    assert needed(libraries / "libpintle-crypto-openssl.so") <= {"libc", "libcrypto", "libpintle"}
    assert needed(libraries / "libpintle-crypto-mbedtls.so") <= {"libc", "libmbedcrypto", "libpintle"}
    assert needed(libraries / "libpintle-openssl.so") <= {"libc", "libcrypto", "libssl", "libpintle"}
    assert needed(libraries / "libpintle-gnutls.so") <= {"libc", "libgnutls", "libpintle"}
    mbedtls = {"libmbedtls", "libmbedx509", "libmbedcrypto"}
    assert needed(libraries / "libpintle-mbedtls.so") <= {"libc", "libpintle"} | mbedtls
    assert needed(libraries / "libpintle-crypto-boringssl.so") <= {"libc", "libcrypto", "libpintle"}
    assert needed(libraries / "libpintle-boringssl.so") <= {"libc", "libcrypto", "libssl", "libpintle"}
    openssl = {"libcrypto", "libssl", "libpintle-openssl", "libpintle-crypto-openssl"}
    assert needed(libraries / "libpintle-curl.so") <= {"libc", "libcurl", "libpintle"} | openssl
    assert needed(libraries / "libpintle-curl-transport.so") <= {"libc", "libcurl", "libz", "libpintle"}
    assert "libpintle" in needed(stranger)
