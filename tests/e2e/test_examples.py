# SPDX-License-Identifier: Apache-2.0
"""examples/: built as a stranger builds them, against what `make install` installs, and run against a real server."""

import os
import re
import shutil
import subprocess

import pytest

from rig.compiler import build_directory, compile_program, compiler_words, install
from rig.programs import ROOT, clean_environment

EXAMPLES = ("openssl", "curl", "gnutls", "mbedtls", "boringssl")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The directory of the programs, and the environment in which they run."""
    directory = tmp_path_factory.mktemp("examples")
    environment = install(directory)
    compiler, *sanitizer = compiler_words()
    for words in (["-S", ROOT / "examples", "-B", directory / "build", "-G", "Ninja", f"-DCMAKE_C_COMPILER={compiler}",
                   f"-DCMAKE_C_FLAGS=-Werror {' '.join(sanitizer)}"], ["--build", directory / "build"]):
        done = subprocess.run(["cmake", *words], env={**os.environ, **environment}, capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return directory / "build", environment


def run(program, environment, directory, *words):
    """Its exit code, the page it printed, and the reason of its verdict."""
    done = subprocess.run([program, *map(str, words)], cwd=directory, env=clean_environment(environment), text=True,
                          capture_output=True, timeout=60, check=False)
    assert "verdict: " in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr.rsplit("verdict: ", 1)[1].split(":")[0]


@pytest.fixture
def shop(tmp_path, backend, repository, ca, host):
    """A site, its pins and an application directory; and what an example is told."""
    site = backend.serve(host, body="the page")
    repository.pin(host, site.key)
    repository.publish()
    for name in ("roots", "shipped"):
        shutil.copy(repository.directory / "app" / name, tmp_path / name)
    return site, [backend.nginx.serve_directory(repository.public), ca, host, site.address]


def test_every_example_is_tried():
    assert {path.stem for path in (ROOT / "examples").glob("*.c")} == {
        *EXAMPLES, "example", "transport_curl", "transport_socket"}


def matches_heals_refuses(program, environment, shop, tmp_path, backend, repository, rogue_authority, host):
    """Matches; after a rotation that it could learn of, heals; refuses a key that nobody pinned, and sends it nothing."""
    site, words = shop
    code, page, reason = run(program, environment, tmp_path, *words)
    assert (code, reason) == (0, "matched"), page
    assert page.endswith("the page")
    rotated = backend.serve(host, body="the next page")
    words[3] = rotated.address
    repository.pin(host, rotated.key)
    repository.publish()
    code, page, reason = run(program, environment, tmp_path, *words)
    assert (code, reason) == (0, "matched") and page.endswith("the next page")
    assert (tmp_path / "pintle-store" / "accepted").exists()
    stray = backend.serve(host, body="never seen", authority=rogue_authority)
    words[3] = stray.address
    before = len(backend.requests(host))
    code, page, reason = run(program, environment, tmp_path, *words)
    assert (code, page, reason) == (1, "", "mismatch")
    assert len(backend.requests(host)) == before


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(built, shop, tmp_path, backend, repository, rogue_authority, host, name):
    matches_heals_refuses(built[0] / name, built[1], shop, tmp_path, backend, repository, rogue_authority, host)


# ---- one archive ----

# What each libpintle-all-NAME.a is linked with, and the transport that goes with it.
NEEDS = {"openssl": ("socket", "-lssl -lcrypto"), "curl": ("curl", "-lcurl -lz -lssl -lcrypto"),
         "gnutls": ("socket", "-lgnutls -lmbedcrypto"), "mbedtls": ("socket", "-lmbedtls -lmbedx509 -lmbedcrypto"),
         "boringssl": ("socket", "-L{0} -Wl,-rpath,{0} -lssl -lcrypto")}


def cached(name):
    return re.search(rf"^{name}:\w+=(.*)$", (build_directory() / "CMakeCache.txt").read_text(), re.M)[1]


@pytest.mark.parametrize("name", EXAMPLES)
def test_one_archive(shop, tmp_path, name):
    """Core, provider and adapter in one file, in which only the public names are left: the example is linked with it alone."""
    archive = build_directory() / "lib" / f"libpintle-all-{name}.a"
    names = subprocess.run(["nm", "-g", "--defined-only", archive], capture_output=True, text=True, check=True).stdout
    left = set(re.findall(r"^[0-9a-f]+ \w (\w+)$", names, re.M))
    assert {f"pintle_{name}_attach", "pintle_client_new"} <= left
    assert [other for other in left if not other.startswith("pintle_")] == []
    transport, libraries = NEEDS[name]
    boringssl = name == "boringssl"
    words = libraries.format(cached("PINTLE_BORINGSSL_LIBDIR")).split()
    if name == "mbedtls" and not compiler_words()[1:]: # a program without any shared library, as in a firmware
        words.append("-static")
    program = compile_program(
        tmp_path / name, *(ROOT / "examples" / f"{part}.c" for part in (name, "example", f"transport_{transport}")),
        include=[cached("PINTLE_BORINGSSL_INCLUDE")] if boringssl else [], ours=[archive], libraries=[*words, "-pthread", "-ldl"])
    code, page, reason = run(program, {}, tmp_path, *shop[1])
    assert (code, reason) == (0, "matched") and page.endswith("the page")
