# SPDX-License-Identifier: Apache-2.0
"""README.md tells the truth: its commands run in the order given, its example compiles and pins."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rig.compiler import compile_program
from rig.markdown import Session, one_block
from rig.programs import ROOT, clean_environment

HERE = Path(__file__).resolve().parent
README = (ROOT / "README.md").read_text()


def test_first_two_commands_are_targets():
    first = re.search(r"```sh\n(.*?)```", README, re.S).group(1)
    assert re.findall(r"^make (\w+)", first, re.M) == ["demo", "test"]
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make ([\w-]+)`", README):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_every_path_it_names_exists():
    for path in re.findall(r"`((?:docs|include|lib|packaging|publish|cli|probe|server|tests|tools)/[\w./-]*)`", README):
        assert (ROOT / path).exists(), path


def test_commands_of_the_five_minutes(tmp_path, backend, ca, host):
    site = backend.serve("api.example.com")
    shutil.copy(site.chain, tmp_path / "api.pem")
    said = Session(tmp_path, site, ca).run(one_block(README, "sh", "pintle init") + one_block(README, "sh", "/v1/edges"))
    assert "matched" in said, said
    assert "pintle_signer_up 1\n" in said, said
    assert (tmp_path / "pintled-backup.db").stat().st_size > 0


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """The example of README.md, compiled with the program around it."""
    directory = tmp_path_factory.mktemp("readme")
    (directory / "embed.h").write_text(one_block(README, "c", "pin_connections"))
    return compile_program(directory / "readme", HERE / "readme.c", include=[directory])


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
