# SPDX-License-Identifier: Apache-2.0
"""Keys that lie elsewhere, in a token (SoftHSM2) and behind programs, from the ceremony to what clients take."""

import json
import os
import pty
import select
import shutil
import signal
import stat
import subprocess

import pytest

from rig.programs import Repository, Result, binary, clean_environment, pintle, pintle_ok
from rig.softhsm import PIN, SoftHsm


@pytest.fixture
def token(tmp_path):
    return SoftHsm(tmp_path / "token")


class Kms:
    """What stands for a key management service: a program that holds keys and knows them by their names."""

    def __init__(self, directory):
        self.directory = directory
        directory.mkdir()
        self.program = directory / "sign-with-kms"
        self.calls = directory / "calls"
        self.program.write_text(f"#!/bin/sh\necho call >>{self.calls}\necho \"signing with $1\" >&2\n"
                                f"exec openssl dgst -sha256 -sign {directory}/$1.pem\n")
        self.program.chmod(0o755)

    def signer(self, name, at=None):
        """A key in the service and the signer file that stands for it."""
        made = (at or self.directory) / f"{name}.signer"
        pintle_ok("key", "new", self.directory / f"{name}.pem")
        pintle_ok("key", "link", made, "--program", self.program, "--argument", name, "--public",
                  self.directory / f"{name}.pem")
        return made

    def times(self):
        return self.calls.read_text().count("call") if self.calls.exists() else 0


@pytest.fixture
def kms(tmp_path):
    return Kms(tmp_path / "kms")


def new_in_token(token, name, kind="p256"):
    pintle_ok("key", "new", token.uri(name), "--type", kind, "--pin-file", token.pin, env=token.environment)
    return token.uri(name)


def keyids(repository, role):
    listed = repository.run("root", "list", "--json").json
    return {key["keyid"] for key in listed["keys"] if key["role"] == role}


def keyid(key, **options):
    return pintle_ok("key", "show", key, "--json", **options).json["keyid"]


class Ceremony:
    """Two of three root keys: Alice's in a token, Bob's behind a program, Carol's in a file; and so for targets."""

    def __init__(self, directory):
        self.token, self.kms = SoftHsm(directory / "token"), Kms(directory / "kms")
        self.repository, self.keys = make_ceremony(directory, self.token, self.kms)


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    return Ceremony(tmp_path_factory.mktemp("ceremony"))


@pytest.fixture
def ceremony(held, tmp_path):
    """The repository of it, for one test alone, and whose keys they are."""
    repository = Repository.__new__(Repository)
    repository.directory, repository.signers = shutil.copytree(held.repository.directory, tmp_path / "pins"), []
    return repository, held.keys


def make_ceremony(tmp_path, token, kms):
    repository = Repository(tmp_path / "pins", "--offline-keys", "3", "--threshold", "2")
    people = tmp_path / "people"
    people.mkdir()
    keys = {}
    for role, kind in (("root", "p256"), ("targets", "ed25519")):
        uri = new_in_token(token, f"alice-{role}", kind)
        alice = people / f"alice-{role}.signer"
        pintle_ok("key", "link", alice, "--pkcs11", uri, env=token.environment)
        bob = kms.signer(f"bob-{role}", people)
        carol = people / f"carol-{role}.pem"
        pintle_ok("key", "new", carol)
        keys[role] = {"alice": alice, "bob": bob, "carol": carol, "alice by URI": uri}
        for number, key in enumerate((alice, bob, carol), 1):
            repository.run("root", "rotate", "--role", role, "--old", repository.keys / f"{role}-{number}.pem", "--new", key)
    for key in (keys["root"]["alice"], keys["root"]["bob"], keys["targets"]["alice"], keys["targets"]["bob"]):
        repository.run("sign", "--key", key, "--pin-file", token.pin, env=token.environment)
    repository.run("publish")  # the old keys, which lie in keys/ until now, agree
    return repository, keys


def signatures(repository, file):
    return {entry["keyid"] for entry in json.loads((repository.public / "metadata" / file).read_text())["signatures"]}


def test_a_ceremony_of_a_token_a_program_and_a_file(ceremony, held, backend, install, host):
    repository, keys = ceremony
    assert keyids(repository, "root") == {keyid(keys["root"][name]) for name in ("alice", "bob", "carol")}
    site = backend.serve(host)
    repository.pin(host, site.key)
    repository.run("root", "renew")
    lacking = repository.try_run("publish")
    assert lacking.returncode == 66 and "0 of 2 signatures" in lacking.stderr, lacking.all
    for pair in (("alice", "carol"), ("carol", "bob"), ("bob", "alice")):
        repository.run("charter", "renew")
        repository.run("root", "renew")
        before = held.kms.times()
        words = [word for name in pair for role in ("root", "targets") for word in ("--key", keys[role][name])]
        signed = repository.run("sign", *words, "--pin-file", held.token.pin, env=held.token.environment)
        assert "root: 2 of 2 signatures" in signed.stdout and "targets: 2 of 2 signatures" in signed.stdout, signed.all
        assert held.kms.times() - before == (2 if "bob" in pair else 0)
        repository.run("publish")
        version = repository.run("root", "list", "--json").json["root_version"]
        assert signatures(repository, f"{version}.root.json") == {keyid(keys["root"][name]) for name in pair}
    client = install(repository, backend.nginx.serve_directory(repository.public))
    assert client.verdict(host, connect=site.address)["freshness"] == "fresh"
    assert pintle("verify", repository.public, "--roots", client.roots).returncode == 0


def test_other_implementations_read_what_a_token_and_a_program_signed(ceremony, held, backend, tmp_path):
    tuf = pytest.importorskip("tuf.api.metadata")
    repository, keys = ceremony
    root = tuf.Metadata.from_file(str(repository.public / "metadata" / "2.root.json"))
    root.verify_delegate("root", root)
    targets = tuf.Metadata.from_file(str(max((repository.public / "metadata").glob("*.targets.json"))))
    root.verify_delegate("targets", targets)
    assert keyid(keys["targets"]["alice"]) in targets.signatures, "Ed25519, by the token"
    assert keyid(keys["root"]["bob"]) in root.signatures, "P-256, by the program"


def test_one_pin_for_several_keys_may_come_through_a_pipe(ceremony, held):
    repository, keys = ceremony
    for option in (["--pin-fd", "0"], ["--pin-file", "/dev/stdin"]):
        repository.run("root", "renew")
        repository.run("charter", "renew")
        signed = repository.try_run("sign", "--key", keys["root"]["alice by URI"], "--key", keys["targets"]["alice"], *option,
                                    input=f"{PIN}\nand what does not belong to it\n", env=held.token.environment)
        assert signed.returncode == 0, signed.all
        assert "root: 1 of 2 signatures" in signed.stdout and "targets: 1 of 2" in signed.stdout, signed.all
        repository.run("stage", "drop")


def test_the_uri_may_name_the_file_of_the_pin(ceremony, held):
    repository, keys = ceremony
    repository.run("root", "renew")
    repository.run("sign", "--key", held.token.uri("alice-root", f"&pin-source=file:{held.token.pin}"), env=held.token.environment)


def test_one_passphrase_for_several_keys_may_come_through_a_pipe(repository, tmp_path):
    keys = []
    for role in ("root", "targets"):
        key = repository.keys / f"{role}-1.pem"
        keys.append(tmp_path / f"{role}.pem")
        subprocess.run(["openssl", "pkey", "-in", key, "-aes-256-cbc", "-passout", "pass:sesame", "-out", keys[-1]], check=True)
        key.unlink()
    repository.run("root", "renew")
    repository.run("charter", "renew")
    signed = repository.run("sign", "--key", keys[0], "--key", keys[1], "--passphrase-file", "/dev/stdin", input="sesame\n")
    assert "root: 1 of 1" in signed.stdout and "targets: 1 of 1" in signed.stdout, signed.all


def test_a_wrong_pin_ends_the_command_and_changes_nothing(ceremony, held, tmp_path):
    repository, keys = ceremony
    repository.run("root", "renew")
    wrong = tmp_path / "wrong"
    wrong.write_text("000000\n")
    stage = (repository.directory / "stage" / "metadata" / "root.json").read_bytes()
    refused = repository.try_run("sign", "--key", keys["root"]["carol"], "--key", keys["root"]["alice"], "--pin-file", wrong,
                                 env=held.token.environment)
    assert refused.returncode == 65, refused.all
    assert "token pins: the PIN is wrong (CKR_PIN_INCORRECT), and is not tried again" in refused.stderr
    assert "000000" not in refused.all
    assert (repository.directory / "stage" / "metadata" / "root.json").read_bytes() == stage


def test_a_program_that_signs_with_another_key_is_found_out(ceremony, held):
    repository, keys = ceremony
    repository.run("root", "renew")
    stage = (repository.directory / "stage" / "metadata" / "root.json").read_bytes()
    key, other = (held.kms.directory / f"bob-{role}.pem" for role in ("root", "targets"))
    right = key.read_bytes()
    key.write_bytes(other.read_bytes())
    refused = repository.try_run("sign", "--key", keys["root"]["bob"])
    key.write_bytes(right)
    assert refused.returncode == 66, refused.all
    assert "does not verify; the program signs with another key" in refused.stderr
    assert "signing with bob-root" in refused.stderr, "what it says is passed on"
    assert (repository.directory / "stage" / "metadata" / "root.json").read_bytes() == stage


def test_signer_files_in_keys_sign_when_they_are_needed(repository, kms, token, backend, host):
    """An online key behind a program: publish and resign use it, and nothing else runs it."""
    signer = kms.signer("timestamp.kms", repository.keys)
    repository.run("root", "rotate", "--role", "timestamp", "--old", repository.keys / "timestamp.pem", "--new", signer)
    assert kms.times() == 0
    repository.run("publish")
    assert kms.times() == 1 and not (repository.keys / "timestamp.pem").exists()
    repository.run("resign", "--always")
    assert kms.times() == 2
    repository.run("status")
    repository.run("key", "show", signer)
    assert kms.times() == 2
    kms.program.unlink()
    failed = repository.try_run("publish")
    assert failed.returncode == 73 and "cannot be run: No such file or directory" in failed.stderr, failed.all
    assert repository.timestamp()["signed"]["version"] == 3


def test_a_zone_key_in_a_token(repository, token, backend, host):
    uri = new_in_token(token, "payments")
    repository.run("zone", "add", "payments", "--key", uri, env=token.environment)
    repository.run("host", "add", host, "--zone", "payments")
    repository.run("pin", "add", host, "--key", backend.new_key()[1])
    repository.run("sign", "--key", uri, "--pin-file", token.pin, env=token.environment)
    repository.run("publish")
    assert keyid(uri, env=token.environment) in signatures(repository, "1.payments.json")


def test_what_may_sign_no_more_is_moved_away_though_it_is_only_a_signer_file(repository, kms):
    first, second = kms.signer("first", repository.keys), kms.signer("second", repository.keys)
    repository.run("root", "rotate", "--role", "snapshot", "--old", repository.keys / "snapshot.pem", "--new", first)
    repository.run("publish")
    repository.run("root", "rotate", "--role", "snapshot", "--old", first, "--new", second)
    said = repository.run("publish").stdout
    assert "moved keys/first.signer to keys/retired" in said
    assert second.exists() and not first.exists()


def test_a_signer_file_that_others_may_write_is_not_run(repository, kms):
    signer = kms.signer("timestamp.kms", repository.keys)
    signer.chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IWOTH)
    for words in (["publish"], ["publish", "--key", signer]):
        refused = repository.try_run(*words)
        assert refused.returncode == 66 and "others than its owner may write this signer file" in refused.stderr, refused.all
    assert kms.times() == 0


def test_pintled_says_that_it_cannot_use_signer_files(repository, kms, pintled):
    kms.signer("timestamp.kms", repository.keys)
    said = pintled(repository).process.output()
    assert "timestamp.kms.signer is not used: the signer may neither open a token nor run a program" in said
    assert kms.times() == 0


def test_a_file_that_cannot_sign_is_named_when_a_signature_is_missing(repository):
    zone = repository.keys / "zone-main.pem"
    zone.write_bytes(subprocess.run(["openssl", "pkey", "-in", zone, "-pubout"], check=True, capture_output=True).stdout)
    repository.run("zone", "renew", "main")
    refused = repository.try_run("publish")
    assert refused.returncode == 66 and refused.stderr.strip().endswith(
        f"{zone} holds no private key, so it signs nothing"), refused.all


# ---- the prompt ----


class Terminal:
    """A command at a terminal of its own."""

    def __init__(self, words, environment):
        self.said = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell starts what runs in its background without it
            os.execve(binary("pintle"), ["pintle", *map(str, words)], clean_environment(environment))

    def read(self):
        assert select.select([self.fd], [], [], 30)[0], f"nothing for 30 s after {self.said}"
        try:
            more = os.read(self.fd, 4096)
        except OSError:  # Linux: the other side is closed
            more = b""
        self.said += more
        return more

    def expect(self, text):
        while text.encode() not in self.said:
            assert self.read(), self.said
        return self

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        while self.read():
            pass
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        return Result(["pintle"], code, self.said.decode(errors="replace"), "")


def test_the_pin_is_asked_for_once_and_not_shown(ceremony, held):
    repository, keys = ceremony
    repository.run("root", "renew")
    repository.run("charter", "renew")
    terminal = Terminal(["sign", "--repo", repository.directory, "--key", keys["root"]["alice"], "--key",
                         keys["targets"]["alice by URI"]], held.token.environment)
    terminal.expect("PIN of token pins: ").type(PIN + "\n")
    done = terminal.end()
    assert done.returncode == 0, done.all
    assert done.stdout.count("PIN of token") == 1 and PIN not in done.stdout, done.all
    assert "root: 1 of 2" in done.stdout and "targets: 1 of 2" in done.stdout, done.all


def test_an_interrupted_prompt_changes_nothing(ceremony, held):
    repository, keys = ceremony
    repository.run("root", "renew")
    terminal = Terminal(["sign", "--repo", repository.directory, "--key", keys["root"]["alice"]], held.token.environment)
    terminal.expect("PIN of token pins: ").type("\003")
    assert terminal.end().returncode == -signal.SIGINT
    assert "root: 0 of 2 signatures" in repository.try_run("publish").stderr


def test_without_a_terminal_it_says_how_else(ceremony, held):
    repository, keys = ceremony
    repository.run("root", "renew")
    refused = repository.try_run("sign", "--key", keys["root"]["alice"], env=held.token.environment)
    assert refused.returncode == 65, refused.all
    assert "wants its PIN and there is no terminal to ask; give --pin-file FILE or --pin-fd N" in refused.stderr
