# SPDX-License-Identifier: Apache-2.0
"""The guides and the examples of the manual pages: what is printed there is run here."""

import http.client
import json
import os
import re
import shutil
import signal
import sqlite3
import ssl
import subprocess

import pytest

from pki import spki_pin
from rig.clock import clock
from rig.compiler import compile_object, compile_program, compiler_words, install
from rig.hostile import HostileServer
from rig.markdown import Session, blocks, one_block
from rig.process import free_port, wait_for
from rig.programs import ROOT, Pintled, Repository, binary, clean_environment, pintle
from rig.softhsm import SoftHsm
from test_pintled import signer_of

GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
PAGES = sorted((ROOT / "docs" / "man").glob("*.scd"))
# Languages of fenced blocks, and who runs them: a block of another language would be printed and never tried.
LANGUAGES = {"sh", "c", "text", "nginx", "ini", "java", "kotlin"}  # the last two: test_jvm_guide.py


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
def test_shell_examples_of_the_pages_run(page, tmp_path, backend, ca, pintled):
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
        if page.stem in ("pintle-diff.1", "pintle-sign.1", "pintle-stage.1"):
            repository.run("charter", "renew")
        (tmp_path / "alice").mkdir()
        for path in (repository.roots, repository.keys / "targets-1.pem"):
            shutil.copy(path, tmp_path / "alice")
    if "127.0.0.1:8440" in script:
        script = "pintled --repo pins --data .data &\n" + script
    if page.stem == "pintle-logfeed.1":
        server = pintled(tmp_path / "pins")
        (tmp_path / "token").write_text(server.new_token("operator"))
        (tmp_path / "access.log").write_text("")
        script = script.replace("http://127.0.0.1:8441", server.admin)
    environment = {}
    if "libsofthsm2.so" in script:
        token = SoftHsm(tmp_path / "token")
        environment = token.environment
        shutil.copy(token.pin, tmp_path)
    session = Session(tmp_path, site, ca, environment, {"/media/alice": f"{tmp_path}/alice"})
    if page.stem == "pintled.8":
        script = script.replace("pintled-data", "pintled-data &")
    session.run(script)


# ---- embed ----


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    return install(tmp_path_factory.mktemp("installed"))


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
    Developer.session.command("cc", f"exec {' '.join(compiler_words())} \"$@\"")
    Developer.said = Developer.session.run("\n".join(block.text for block in blocks(text, "sh")))
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
        wait_for("a refused handshake", lambda: backend.nginx.refused_handshakes() > before)
        handler.answer(200, (embedding.repository.public / handler.path.lstrip("/")).read_bytes())

    before = backend.nginx.refused_handshakes()
    backend.rekey(embedding.site, backend.new_key()[0])
    embedding.repository.run("pin", "add", embedding.host, "--key", embedding.site.key)
    embedding.repository.publish()
    server = HostileServer(embedding.repository.public)
    server.rules.append(("/head/", when_refused))
    embedding.url = server.url
    done = getattr(embedding, name)()
    server.stop()
    assert (done.returncode, done.stdout.endswith("hello from the backend")) == (0, True), done.stderr
    assert "pins: refused: " in done.stderr  # what follows is told by another thread, perhaps after the page is here


def test_embedded_program_says_which_pins_it_holds(embedding, backend):
    """The day is counted once: by the first request, or by the second where a poll was noting its own day just then."""
    before = len(backend.requests())
    for _ in range(3):
        assert embedding.app().returncode == 0
    said = [request["manifest"] for request in backend.requests()[before:]]
    assert sorted(said) == ["charter=2,main=2", "charter=2,main=2", "charter=2,main=2;d=1;w=1"]
    assert said[2] == "charter=2,main=2"


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


# ---- publish ----


@pytest.fixture
def publisher(tmp_path, backend, authority, workshop, ca):
    """A security team's directory: the certificate that is served, and what stands for a CA and for a deployment."""
    site = backend.serve("api.example.com")
    token = SoftHsm(tmp_path / "token")
    session = Session(tmp_path, site, ca, token.environment)
    shutil.copy(token.pin, tmp_path / "pin")
    kms = backend.new_key()[1]
    session.command("sign-with-kms", f'[ "$1" = alias/shop ] && exec openssl dgst -sha256 -sign {kms}')
    subprocess.run(["openssl", "pkey", "-in", kms, "-pubout", "-out", tmp_path / "kms.pub"], check=True)
    shutil.copy(site.chain, tmp_path / "api.pem")
    issuer, key = workshop.cert_file(authority.certificate), workshop.key_file(authority.key)
    pid = backend.nginx.process.pid
    session.command("issue", f'openssl x509 -req -in "$1" -CA {issuer} -CAkey {key} -days 90 -copy_extensions copy -out "$2"\n'
                             f'cat {issuer} >>"$2"')
    session.command("deploy", f'cp "$1" {site.key}; cp "$2" {site.chain}\n'
                              f'was=$(cat /proc/{pid}/task/{pid}/children); kill -HUP {pid}\n'
                              f'while [ "$(cat /proc/{pid}/task/{pid}/children)" = "$was" ]; do sleep 0.02; done\n'
                              f'for old in $was; do while kill -0 $old 2>/dev/null; do sleep 0.02; done; done')
    return session


def test_publish_guide(publisher, tmp_path, backend, install):
    said = publisher.run("\n".join(block.text for block in blocks(guide("publish"), "sh")), seconds=120)
    assert said.count("accepted: a pin matched") == 3, said
    # What is left is what the page set out to reach.
    status = pintle("status", "--repo", tmp_path / "pins", "--json").json
    assert (status["staged_changes"], status["root_version"]) == (0, 4)
    hosts = pintle("host", "list", "--repo", tmp_path / "pins", "--json").json
    assert [host["host"] for host in hosts["hosts"]] == ["api.example.com", "pay.example.com"]
    assert hosts["released"] == ["www.example.com"]
    assert sorted(path.name for path in (tmp_path / "pins" / "keys").glob("*.pem")) == [
        "snapshot.pem", "timestamp.pem", "zone-main.pem"]
    roles = {role["role"]: role for role in pintle("status", "--repo", tmp_path / "pins", "--json").json["roles"]}
    assert (roles["root"]["threshold"], roles["root"]["keys"]) == (2, 3)


def test_a_made_up_repository_is_known_by_the_roots_of_the_ceremony(tmp_path):
    real, forged = Repository(tmp_path / "real", "--name", "pins"), Repository(tmp_path / "forged", "--name", "pins")
    shutil.copy(real.roots, tmp_path / "roots")
    assert pintle("verify", real.public, "--roots", tmp_path / "roots").returncode == 0
    for words in (["verify", forged.public], ["diff", "--repo", forged.directory],
                  ["sign", "--key", forged.keys / "targets-1.pem", "--repo", forged.directory]):
        assert pintle(*words, "--roots", tmp_path / "roots").returncode == 66, words


def test_the_gate_of_the_publish_guide_is_shut_for_a_key_that_is_not_pinned(publisher, tmp_path, backend):
    text = guide("publish")
    gate = one_block(text, "sh", "hash_of() {").replace("next.pem", "other.pem")
    (tmp_path / "other.pem").write_bytes(backend.serve("other.example.com").chain.read_bytes())
    prepared = "".join(block.text for block in blocks(text, "sh") if block.line < text.count("\n", 0, text.index("## Watch")))
    with pytest.raises(AssertionError, match="exit code 1"):
        publisher.run(prepared + gate)


# ---- operate ----


def part(text, start, end):
    return text[text.index(start):text.index(end)]


@pytest.fixture
def operator(tmp_path, backend, authority, workshop, ca):
    """An operator's machine: /srv and /var of its own, the repository of the guide to publishing, a unit that runs."""
    site = backend.serve("api.example.com")
    admin, https = free_port(), free_port()
    session = Session(tmp_path, site, ca, replacing={
        "8441": str(admin), "https://pins.example.com": f"https://127.0.0.1:{https}", "/srv/": f"{tmp_path}/srv/",
        "/var/lib/": f"{tmp_path}/var/", "/var/log/": f"{tmp_path}/log/", "/etc/ssl/": f"{tmp_path}/ssl/", "/etc/pintle/": f"{tmp_path}/etc/",
        "443 ssl": f"127.0.0.1:{https} ssl"})
    session.admin, session.https, session.nginx, session.ca = f"127.0.0.1:{admin}", https, backend.nginx, ca
    for directory in ("srv/backup", "srv/restored", "srv/mirror", "var", "log/nginx", "ssl", "etc"):
        (tmp_path / directory).mkdir(parents=True)
    (tmp_path / "log" / "nginx" / "pins.log").touch()
    certificate, key = authority.leaf("pins.example.com", "127.0.0.1")
    shutil.copy(workshop.cert_file(certificate, *authority.chain()), tmp_path / "ssl" / "pins.example.com.pem")
    shutil.copy(workshop.key_file(key), tmp_path / "ssl" / "pins.example.com.key")
    shutil.copy(site.chain, tmp_path / "api.pem")
    session.run("\n".join(block.text for block in blocks(part(guide("publish"), "## The ceremony", "## Watch"), "sh")))
    (tmp_path / "pins").rename(tmp_path / "srv" / "pins")
    for name in ("keys", "repository.json"):
        subprocess.run(["cp", "-R", tmp_path / "srv" / "pins" / name, tmp_path / "srv" / "backup"], check=True)
    (tmp_path / "etc" / "pintled.conf").write_text(session.replaced(one_block(guide("operate"), "ini", "repo =")))
    unit = (ROOT / "packaging" / "systemd" / "pintled.service.in").read_text()
    command = re.search(r"^ExecStart=@bindir@/(.*)$", unit, re.M)[1]
    session.command("systemctl", session.replaced(f"""
        start() {{
            {command} >>pintled.log 2>&1 &
            echo $! >pintled.pid
            until curl -fs http://127.0.0.1:8440/head/1 >/dev/null; do kill -0 $!; sleep 0.05; done
        }}
        stop() {{ kill "$(cat pintled.pid)"; while kill -0 "$(cat pintled.pid)" 2>/dev/null; do sleep 0.02; done; }}
        case $1 in
        enable | start) start ;;
        restart) stop && start ;;
        reload) kill -HUP "$(cat pintled.pid)" ;;
        esac"""))
    return session


def fetch(session, path, method="GET", body=None):
    """One request over HTTPS, as from outside: status, headers."""
    context = ssl.create_default_context(cafile=session.ca)
    connection = http.client.HTTPSConnection("127.0.0.1", session.https, context=context, timeout=10)
    connection.request(method, path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.headers


def test_api_guide(operator):
    operator.run("systemctl start pintled\n" + "\n".join(block.text for block in blocks(guide("api"), "sh")) +
                 "\nkill $(cat pintled.pid)")


def server_block(session, number):
    session.nginx.serve_block(session.https, session.replaced(blocks(guide("operate"), "nginx")[number].text))


def test_operate_guide(operator, tmp_path):
    server_block(operator, 0)
    steps = []
    for block in blocks(guide("operate"), "sh"):
        if "/srv/mirror" in block.text:
            steps.append("cp -R /srv/pins/public /srv/mirror")  # what the reader has done after each publication
        steps.append(block.text)
    said = operator.run("\n".join(steps), seconds=120)
    assert said.count("accepted: a pin matched") == 1, said
    [backup] = (tmp_path / "srv" / "backup").glob("pintled-*.db")
    with sqlite3.connect(backup) as database:
        assert database.execute("SELECT count(*) FROM report").fetchone() == (0,)
    status = pintle("status", "--repo", tmp_path / "srv" / "pins", "--json").json
    assert (status["root_version"], status["staged_changes"]) == (3, 0)
    assert sorted(path.name for path in (tmp_path / "srv" / "pins" / "keys" / "retired").iterdir()) == [
        "snapshot.2.pem", "snapshot.pem", "timestamp.2.pem", "timestamp.pem", "zone-main.pem"]


def test_pintled_behind_the_nginx_of_the_guide(operator, tmp_path):
    server_block(operator, 0)
    server = Pintled(tmp_path / "srv" / "pins", tmp_path / "var" / "pintled", "--listen",
                     f"127.0.0.1:{operator.port}", "--admin", operator.admin)
    try:
        report = json.dumps({"v": 1, "type": "tls.cert.pinned_key_not_in_cert_chain", "host": "api.example.com",
                             "reason": "mismatch", "date-time": "2026-11-21T20:00:00Z", "id": "0123456789abcdef"})
        assert fetch(operator, "/head/1")[0] == 200
        assert "immutable" in fetch(operator, "/metadata/1.root.json")[1]["Cache-Control"]
        assert fetch(operator, "/v1/reports", "POST", report)[0] == 202
        assert fetch(operator, "/v1/reports", "POST", "x" * 9000)[0] == 413
        assert fetch(operator, "/v1/reports")[0] == 403
        assert fetch(operator, "/metrics")[0] == 404
        assert fetch(operator, "/head/1", "PUT", "x")[0] == 403
        assert len(server.reports()) == 1
    finally:
        server.stop()


def test_static_files_behind_the_nginx_of_the_guide(operator, tmp_path):
    server_block(operator, 1)
    operator.run("pintle verify https://pins.example.com --roots /srv/pins/app/roots")
    public = tmp_path / "srv" / "pins" / "public"
    for path in public.rglob("*"):
        if path.is_file():
            name = str(path.relative_to(public))
            status, headers = fetch(operator, f"/{name}")
            short = name.startswith("head/") or name == "metadata/timestamp.json"
            assert (status, "max-age=60," in headers["Cache-Control"], "immutable" in headers["Cache-Control"]) == (
                200, short, not short), name
    for name in ("/keys/timestamp.pem", "/../keys/timestamp.pem", "/repository.json", "/head/2"):
        assert fetch(operator, name)[0] in (400, 404), name


class TestHealth:
    """The table of what to do at night: every state that it names is made, and called as it says."""

    @staticmethod
    def wait_for(server, fragment, code=200):
        def said():
            status, _, body = server.request("GET", "/healthz", base=server.admin)
            return status == code and fragment in body.decode()
        assert fragment in guide("operate")
        wait_for(f"{fragment} with {code}", said, explain=server.process.output)
        return server

    def test_signer_off(self, repository, pintled, tmp_path):
        (tmp_path / "empty").mkdir()
        self.wait_for(pintled(repository, "--keys", tmp_path / "empty"), '"signer":"off"')

    def test_signer_down(self, repository, pintled):
        server = pintled(repository)
        os.kill(signer_of(server), signal.SIGKILL)
        self.wait_for(server, '"signer":"down"')

    def test_resigning_failing_because_root_names_other_keys(self, repository, pintled):
        server = pintled(repository, "--resign-every", "1")
        repository.run("root", "rotate", "--online")
        repository.publish()
        self.wait_for(server, '"resigning":"failing"')
        assert server.stop() == 0
        self.wait_for(pintled(repository, data=server.data), "ok")

    def test_repository_unreadable(self, repository, pintled):
        server = pintled(repository, "--resign-every", "1")
        timestamp = repository.public / "metadata" / "timestamp.json"
        good = timestamp.read_bytes()
        timestamp.write_bytes(good[:100])
        self.wait_for(server, '"repository":"unreadable"')
        timestamp.write_bytes(good)
        self.wait_for(server, "ok")
        wait_for("the log", lambda: "in order again" in server.process.output())

    def test_storage_down(self, repository, pintled):
        server = pintled(repository)
        database = sqlite3.connect(server.data / "pintled.db")
        database.execute("BEGIN EXCLUSIVE")
        report = {"v": 1, "type": "x", "host": "a.example", "reason": "mismatch", "date-time": "2026-11-21T20:00:00Z",
                  "id": "0123456789abcdef"}
        assert server.post_report(json.dumps(report).encode())[0] == 503
        self.wait_for(server, '"storage":"down"')
        assert server.get("/head/1")[0] == 200
        database.close()
        assert server.post_report(json.dumps(report).encode())[0] == 202
        self.wait_for(server, "ok")

    def test_expired_zone_is_served(self, repository, pintled):
        server = pintled(repository, env=clock("+100d"))
        self.wait_for(server, '"expired":true')
        assert json.loads(server.get("/healthz")[2])["status"] == "degraded"

    def test_expired_targets_are_failing(self, repository, pintled):
        server = pintled(repository, env=clock("+370d"))
        self.wait_for(server, "failing", code=503)


# ---- threat model ----


def test_threat_model_names_tests_that_exist():
    text = guide("threat-model")
    sources = "\n".join(path.read_text() for path in (ROOT / "tests" / "e2e").glob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", text)
    assert len(named) > 20
    for name in named:
        assert re.search(rf"def {name}\(", sources), name
    for path in re.findall(r"`((?:tests|lib)/[\w./]+)`", text):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("left_out, accepted", [
    (("require_host", "set_shipped_file"), True),
    (("require_host",), False),
    (("set_shipped_file",), False),
    (("require_host", "set_shipped_file", "UNLISTED"), False),
], ids=["nothing", "shipped", "required", "unlisted refused"])
def test_first_start_while_the_manifest_is_blocked(embedding, intercept, tmp_path, left_out, accepted):
    """Part 2 of app.c with less in it, and an interceptor whose CA the device trusts."""
    source = program("app.c", guide("embed"))
    for name in left_out:
        if name == "UNLISTED":
            source = source.replace("pintle_config_add_url(config, url) == PINTLE_OK &&",
                                    "pintle_config_add_url(config, url) == PINTLE_OK &&\n"
                                    "pintle_config_set_unlisted(config, PINTLE_UNLISTED_REFUSE) == PINTLE_OK &&")
        else:
            source, count = re.subn(rf" +pintle_config_{name}\(.*$\n", "", source, flags=re.M)
            assert count == 1
    source = source.replace("const char *url, const char *host)\n{\n    return", "const char *url, const char *host)\n{\n    (void)host;\n    return")
    (tmp_path / "app.c").write_text(source)
    compile_program(tmp_path / "app", tmp_path / "app.c", libraries=["-lcurl"])
    embedding.url = f"http://127.0.0.1:{free_port()}"
    attacker = intercept(embedding.site.address)
    done = embedding.run("app", embedding.url, embedding.host, attacker.address)
    assert (done.returncode == 0) == accepted, done.stderr
    assert bool(attacker.requests()) == accepted


def test_older_store_put_back_counts_until_the_next_refresh(backend, repository, install, host, tmp_path):
    site = backend.serve(host)
    repository.pin(host, site.key, backend.new_key()[1])
    repository.publish()
    client = install(repository, backend.nginx.serve_directory(repository.public))
    assert client.check(host, connect=site.address).returncode == 0
    shutil.copytree(client.store, tmp_path / "older")
    repository.run("pin", "remove", host, spki_pin(site.key_object))
    repository.publish()
    assert client.check(host, connect=site.address).returncode == 67
    assert client.check(host, "--no-refresh", connect=site.address).returncode == 67
    shutil.rmtree(client.store)
    shutil.copytree(tmp_path / "older", client.store)
    assert client.check(host, "--no-refresh", connect=site.address).returncode == 0
    assert client.check(host, connect=site.address).returncode == 67


SOMETIMES = {"platform-verify", "clock_skew_s", "net"}  # where the client can know, and the application said


def test_a_report_holds_the_fields_of_the_threat_model(backend, repository, install, pintled, host):
    def fields(value):
        return {name: fields(inner) if isinstance(inner, dict) else None for name, inner in value.items()}

    site = backend.serve(host)
    server = pintled(repository)
    repository.pin(host, backend.new_key()[1])
    repository.run("charter", "set", "--report-url", f"{server.url}/v1/reports")
    repository.publish()
    assert install(repository, server.url).check(host, connect=site.address).returncode == 67
    report, = server.reports()
    report.pop("received")
    text = re.search(r"these fields and no others: (.*?)\. Client and collector", guide("threat-model"), re.S)[1]
    nested = dict(re.findall(r"`([\w-]+)` \(((?:`\w+`(?:,\s)?)+)[):]", text))
    names = re.findall(r"`([\w-]+)`", re.sub(r"\([^)]*\)", "", text))
    want = {name: {inner: None for inner in re.findall(r"`(\w+)`", nested[name])} if name in nested else None for name in names}
    for name in set(want) - set(report):
        assert name in SOMETIMES, name
        del want[name]
    del want["app"]["os"], want["app"]["os_ver"]  # which `pintle` does not say of itself
    assert fields(report) == want
