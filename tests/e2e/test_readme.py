# SPDX-License-Identifier: Apache-2.0
"""README.md tells the truth: its commands run in the order given, its example compiles and pins."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rig.process import LOOPBACK, free_port
from rig.programs import ROOT, binary, clean_environment
from test_stranger import build_directory, compiler_words

HERE = Path(__file__).resolve().parent
README = (ROOT / "README.md").read_text()


def block(language, containing):
    """The one fenced block of that language that contains a text."""
    blocks = [found for found in re.findall(rf"```{language}\n(.*?)```", README, re.S) if containing in found]
    assert len(blocks) == 1, f"expected one {language} block with {containing!r} in README.md, found {len(blocks)}"
    return blocks[0]


def test_first_two_commands_are_targets():
    first = re.search(r"```sh\n(.*?)```", README, re.S).group(1)
    assert re.findall(r"^make (\w+)", first, re.M) == ["demo", "test"]
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make ([\w-]+)`", README):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_every_path_it_names_exists():
    for path in re.findall(r"`((?:docs|include|lib|publish|cli|probe|server|tests|tools)/[\w./-]*)`", README):
        assert (ROOT / path).exists(), path


def test_commands_of_the_five_minutes(tmp_path, backend, ca, host):
    site = backend.serve("api.example.com")
    shutil.copy(site.chain, tmp_path / "api.pem")
    port = free_port()
    script = block("sh", "pintle init").replace("8440", str(port))
    script = script.replace("--data pintled-data &", f"--data pintled-data --listen {LOOPBACK}:{port} &\n"
                            f"server=$!; trap 'kill $server' EXIT\n"
                            f"until curl -fs http://{LOOPBACK}:{port}/healthz >/dev/null; do sleep 0.05; done")
    script = script.replace("pintle check api.example.com", f"pintle check api.example.com --connect {site.address} --ca {ca}")
    environment = clean_environment({"PATH": f"{binary('pintle').parent}:{os.environ['PATH']}"})
    done = subprocess.run(["sh", "-eu", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "matched" in done.stdout, done.stdout + done.stderr


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """The example of README.md, compiled with the program around it."""
    directory = tmp_path_factory.mktemp("readme")
    (directory / "embed.h").write_text(block("c", "pin_connections"))
    libraries = build_directory() / "lib"
    subprocess.run([*compiler_words(), "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Wpedantic",
                    "-Werror", "-g", f"-I{directory}", f"-I{ROOT / 'include'}", "-o", directory / "readme",
                    HERE / "readme.c", f"-L{libraries}", f"-Wl,-rpath,{libraries}", "-lpintle-openssl",
                    "-lpintle-curl-transport", "-lpintle", "-lssl", "-lcrypto"], check=True)
    return directory / "readme"


@pytest.mark.parametrize("pinned", [True, False])
def test_embedded_example(embedded, tmp_path, backend, repository, ca, host, pinned):
    site = backend.serve(host)
    repository.pin(host, site.key if pinned else backend.new_key()[1])
    repository.publish()
    for name in ("roots", "shipped"):
        shutil.copy(repository.directory / "app" / name, tmp_path / name)
    url = backend.nginx.serve_directory(repository.public)
    done = subprocess.run([embedded, url, ca, host, str(site.port)], cwd=tmp_path, env=clean_environment(),
                          capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split(" ", 1)[0] == ("matched" if pinned else "mismatch"), done.stdout + done.stderr
    assert done.stdout.split(" ", 1)[1].strip() == ("HTTP/1.1 200 OK" if pinned else "")
    assert len(backend.requests(host)) == (1 if pinned else 0)
