# SPDX-License-Identifier: Apache-2.0
"""The guides and the examples of the manual pages: what is printed there is run here."""

import re
import shutil
import subprocess

import pytest

from rig.compiler import build_directory, compile_object, compile_program, compiler_words
from rig.hostile import HostileServer
from rig.markdown import Session, blocks
from rig.process import wait_for
from rig.programs import ROOT, Repository, clean_environment

GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
PAGES = sorted((ROOT / "docs" / "man").glob("*.scd"))
# Languages of fenced blocks, and who runs them: a block of another language would be printed and never tried.
LANGUAGES = {"sh", "c", "text", "nginx", "ini"}


def guide(name):
    return (ROOT / "docs" / "guides" / f"{name}.md").read_text()


def program(name, text):
    """The parts of a guide that make one C file, in their order."""
    parts = [block.text for block in blocks(text, "c") if block.text.startswith(f"/* {name}")]
    assert parts, f"no part of {name}"
    return "\n".join(parts)


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_every_block_has_somebody_who_tries_it(path):
    for block in blocks(path.read_text()):
        assert block.language in LANGUAGES, f"{path.name}:{block.line}"


# ---- manual pages ----


def examples(page):
    match = re.search(r"^# EXAMPLES\n(.*?)(?=^# )", page.read_text(), re.M | re.S)
    return [block.text for block in blocks(match[1])] if match else []


@pytest.mark.parametrize("page", [page for page in PAGES if page.stem.endswith(".3") and page.stem != "libpintle.3"],
                         ids=lambda page: page.stem)
def test_c_examples_of_the_pages_compile(page, tmp_path):
    for number, text in enumerate(examples(page)):
        source = tmp_path / f"example-{number}.c"
        source.write_text(text)
        assert compile_object(source, "-Wno-unused-function") == ""


@pytest.mark.parametrize("page", [page for page in PAGES if not page.stem.endswith(".3")], ids=lambda page: page.stem)
def test_shell_examples_of_the_pages_run(page, tmp_path, backend, ca):
    """Each page in a directory of its own, with a published repository "pins" and the files that examples speak of."""
    site = backend.serve("api.example.com")
    for name, path in (("api.pem", site.chain), ("next.key", backend.new_key()[1])):
        shutil.copy(path, tmp_path / name)
    for words in (["req", "-new", "-key", "next.key", "-subj", "/CN=api.example.com", "-out", "next.csr"],
                  ["pkey", "-in", backend.new_key()[1], "-pubout", "-out", "backup.pub"]):
        subprocess.run(["openssl", *words], cwd=tmp_path, check=True)
    script = "\n".join(examples(page))
    assert script
    if "pintle init --repo pins" not in script:
        repository = Repository(tmp_path / "pins")
        repository.pin("api.example.com", site.key)
        repository.publish()
        if page.stem == "pintle-sign.1":
            repository.run("charter", "renew")
    if "127.0.0.1:8440" in script:
        script = "pintled --repo pins --data .data &\n" + script
    session = Session(tmp_path, site, ca)
    if page.stem == "pintled.8":
        script = script.replace("pintled-data", "pintled-data &")
    session.run(script)


# ---- embed ----


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """What `make install` puts on a developer's machine, as the environment that finds it."""
    directory = tmp_path_factory.mktemp("installed")
    subprocess.run(["cmake", "--install", build_directory(), "--prefix", directory / "usr"], check=True, capture_output=True)
    library = next(directory.glob("usr/lib*/**/pkgconfig")).parent
    return {"PKG_CONFIG_PATH": str(library / "pkgconfig"), "LD_LIBRARY_PATH": str(library)}


@pytest.fixture
def embedding(tmp_path, backend, ca, installed):
    """A developer at work: the repository of one host, and all of the guide's shell blocks done."""
    class Developer:
        host = "api.example.com"
        site = backend.serve(host)
        repository = Repository(tmp_path / "pins")
        session = Session(tmp_path, site, ca, {**installed, "SSL_CERT_FILE": str(ca)})
        url = backend.nginx.serve_directory(repository.public)

        @classmethod
        def run(cls, name, *words):
            return subprocess.run([tmp_path / name, *map(str, words)], cwd=tmp_path, capture_output=True, text=True,
                                  timeout=30, check=False, env=clean_environment(cls.session.environment))

        @classmethod
        def app(cls):
            return cls.run("app", cls.url, cls.host, cls.site.address)

        @classmethod
        def page(cls):
            return cls.run("page", cls.url, cls.host, ca, f"{cls.host}:443:{cls.site.address}")

    Developer.repository.pin(Developer.host, Developer.site.key)
    Developer.repository.publish()
    text = guide("embed")
    (tmp_path / "app.c").write_text(program("app.c", text))
    parts = [block.text for block in blocks(text, "c")]
    (tmp_path / "page.c").write_text("\n".join(part for part in parts if re.match(r"/\* (app\.c, part [12]|page\.c)", part)))
    compiler = tmp_path / ".bin" / "cc"
    compiler.write_text(f"#!/bin/sh\nexec {' '.join(compiler_words())} \"$@\"\n")
    compiler.chmod(0o755)
    Developer.said = Developer.session.run("\n".join(block.text for block in blocks(text, "sh")))
    compile_program(tmp_path / "page", tmp_path / "page.c", libraries=["-lcurl"])
    (tmp_path / "memory.c").write_text('#include "pins.h"\nint main(void) { return roots_data[0] + shipped_data[0] == 0; }\n')
    return Developer


@pytest.mark.parametrize("name", ["app", "page"])
def test_embedded_program(embedding, backend, tmp_path, name):
    run = getattr(embedding, name)
    done = run()
    assert (done.returncode, done.stdout.endswith("hello from the backend")) == (0, True), done.stderr
    assert "started" in done.stderr
    backend.rekey(embedding.site, backend.new_key()[0])
    before = len(backend.requests())
    done = run()
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert "pins: refused: " in done.stderr
    assert len(backend.requests()) == before
    # The manifest catches up: what the program holds is old, and the second try heals it.
    embedding.repository.run("pin", "add", embedding.host, "--key", embedding.site.key)
    embedding.repository.publish()
    done = run()
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["app", "page"])
def test_embedded_program_heals_itself(embedding, backend, name):
    """Nothing of the manifest arrives until the first handshake has been refused."""
    def when_refused(handler):
        wait_for("a refused handshake", lambda: backend.nginx.refused_handshakes() > 0)
        handler.answer(200, (embedding.repository.public / handler.path.lstrip("/")).read_bytes())

    backend.rekey(embedding.site, backend.new_key()[0])
    embedding.repository.run("pin", "add", embedding.host, "--key", embedding.site.key)
    embedding.repository.publish()
    server = HostileServer(embedding.repository.public)
    server.rules.append(("/head/", when_refused))
    embedding.url = server.url
    done = getattr(embedding, name)()
    server.stop()
    assert (done.returncode, done.stdout.endswith("hello from the backend")) == (0, True), done.stderr
    assert done.stderr.index("pins: refused: ") < done.stderr.index("pins: applied: ")


def test_embedded_program_says_which_pins_it_holds(embedding, backend):
    assert embedding.app().returncode == 0
    assert backend.requests()[-1]["manifest"] == "charter=2,main=2"


def test_embedded_program_requires_its_host(embedding, backend, tmp_path):
    other = Repository(tmp_path / "other")
    for name in ("roots", "shipped"):
        shutil.copy(other.directory / "app" / name, tmp_path / name)
    embedding.url = backend.nginx.serve_directory(other.public)
    shutil.rmtree(tmp_path / "pintle-store", ignore_errors=True)
    done = embedding.app()
    assert done.returncode == 1
    assert "requires pins and none are known" in done.stderr


def test_embedded_files_in_memory(embedding, tmp_path):
    compile_program(tmp_path / "memory", tmp_path / "memory.c")
    assert embedding.run("memory").returncode == 0
    text = (tmp_path / "pins.h").read_text()
    for name in ("roots", "shipped"):
        array = re.search(rf"{name}_data\[\] = {{(.*?)}}", text, re.S)[1]
        assert bytes(int(byte, 16) for byte in re.findall(r"0x[0-9a-f]{2}", array)) == (tmp_path / name).read_bytes()


@pytest.mark.parametrize("name", ["loop", "static"])
def test_other_programs_of_the_embed_guide(name, tmp_path):
    source = tmp_path / f"{name}.c"
    source.write_text(program(f"{name}.c", guide("embed")))
    done = subprocess.run([compile_program(tmp_path / name, source)], capture_output=True, text=True, check=False, timeout=10)
    assert done.returncode == 0, done.stdout + done.stderr
